//! Uploads: chunks are appended durably before `success` is said (commerceml §1.4).
//!
//! The protocol has no offset, no hash and no number of a part, so [`decide`] tells from what is there
//! whether a chunk goes on, begins anew or came twice. Bytes are written under a random name first and
//! belong to the file by one statement at the end: a request that breaks off leaves nothing behind but
//! what is swept later.

use sklad_jobs::job;
use sklad_store::{Body, Row, Sql, SqlError, Statement};
use twox_hash::XxHash3_128;

use crate::Error;
use crate::handle::{ABANDONED_MS, JOB};
use crate::names::FileKind;
use crate::random;
use crate::request::Kind;

/// The largest body of one request, in bytes: a client that does not look at `file_limit` sends a file
/// at once.
pub const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;
/// The most bytes that a tenant has staged.
pub const QUOTA_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// The most files that a session has staged.
pub const MAX_FILES: i64 = 100_000;
/// Bytes of one row.
pub const PART_BYTES: usize = 256 * 1024;
/// How much of a body is held before it is written, in bytes.
const FLUSH_BYTES: usize = 4 * PART_BYTES;
/// A chunk like the one before it that is at least so long came twice, in bytes: XML and archives do not
/// repeat themselves in such pieces.
const REPEATED_BYTES: u64 = 1024;
/// How much of a chunk's beginning is looked at, in bytes.
const HEAD_BYTES: usize = 1024;
/// How often an append is tried when another one of the same file was faster.
const ATTEMPTS: usize = 4;

/// A file that is being received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Upload {
    /// Names the content.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Bytes received.
    pub size: u64,
    /// The largest chunk so far.
    pub chunk_size: u64,
    /// The last chunk's length.
    pub last_size: u64,
    /// The last chunk's hash; empty where the next chunk cannot be its repetition.
    pub last_hash: String,
    /// Whether an import, an archive or a picture was made of it.
    pub taken: bool,
    /// When the last chunk came, milliseconds since 1970 UTC.
    pub received_at: i64,
    version: i64,
}

impl Upload {
    /// A content that is known by its id and length in bytes alone.
    #[must_use]
    pub fn content(id: &str, size: u64) -> Self {
        Self {
            id: id.to_owned(),
            size,
            ..Self::default()
        }
    }
}

/// Where an upload belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The session's id.
    pub session: &'a str,
    /// Goods or orders.
    pub kind: Kind,
    /// The file's name.
    pub name: &'a str,
}

/// What is done with a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The file begins, for the first time or again.
    Begin,
    /// It goes on.
    Append,
    /// The chunk is there already.
    Repeated,
}

/// A chunk, as far as it decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Its first bytes.
    pub head: Vec<u8>,
    /// Its length in bytes.
    pub size: u64,
    /// Its hash.
    pub hash: String,
}

/// What to do with `chunk` of a file of this kind, when `known` is what was received of it. `limit` is
/// the length in bytes that clients are told.
#[must_use]
pub fn decide(known: Option<&Upload>, kind: FileKind, chunk: &Chunk, limit: u64) -> Action {
    let Some(known) = known.filter(|known| known.size > 0) else {
        return Action::Begin;
    };
    // An empty body says nothing of a file that has begun.
    if chunk.size == 0 && !known.taken {
        return Action::Repeated;
    }
    let same = known.last_size == chunk.size && known.last_hash == chunk.hash;
    // The only chunk of a whole file came again, or one in the middle did.
    if same
        && (chunk.size >= REPEATED_BYTES
            || chunk.size < known.chunk_size
            || known.size == chunk.size)
    {
        return Action::Repeated;
    }
    if known.taken {
        return Action::Begin;
    }
    let begins = begins(kind, &chunk.head);
    let whole = known.last_size < known.chunk_size || known.last_size < limit;
    match kind {
        // Inside of an XML file no chunk begins like this.
        FileKind::Xml if begins => Action::Begin,
        // Inside of an archive, or of a picture with a small one in it, one may.
        FileKind::Zip | FileKind::Picture if begins && whole => Action::Begin,
        _ => Action::Append,
    }
}

/// Whether a file of this kind begins with these bytes.
fn begins(kind: FileKind, head: &[u8]) -> bool {
    const ROOT: &str = "<КоммерческаяИнформация";
    match kind {
        FileKind::Zip => head.starts_with(b"PK\x03\x04"),
        FileKind::Picture => {
            let starts = |magic: &[u8]| head.starts_with(magic);
            starts(b"\xff\xd8\xff")
                || starts(b"\x89PNG\r\n\x1a\n")
                || starts(b"GIF8")
                || starts(b"BM")
                || (starts(b"RIFF") && head.get(8..12) == Some(b"WEBP"))
        }
        FileKind::Xml => {
            let utf16 = head.starts_with(b"\xff\xfe<\0") || head.starts_with(b"\xfe\xff\0<");
            let mut text = head;
            while let Some(rest) = text.strip_prefix(b"\xef\xbb\xbf") {
                text = rest;
            }
            let text = without_comments(text);
            let cp1251 = sklad_cyrillic::encode_1251(ROOT);
            utf16
                || text.starts_with(b"<?xml")
                || text.starts_with(ROOT.as_bytes())
                || text.starts_with(&cp1251)
        }
    }
}

/// What follows blanks and comments. Inside of a file a comment may stand where a chunk begins; before
/// its root it says nothing.
fn without_comments(mut text: &[u8]) -> &[u8] {
    const END: &[u8] = b"-->";
    loop {
        text = text.trim_ascii_start();
        let Some(rest) = text.strip_prefix(b"<!--") else {
            return text;
        };
        let end = rest.windows(END.len()).position(|three| three == END);
        text = end
            .and_then(|end| rest.get(end + END.len()..))
            .unwrap_or_default();
    }
}

/// The file of this name.
///
/// # Errors
/// The database's.
pub async fn find(sql: &impl Sql, place: Place<'_>) -> Result<Option<Upload>, SqlError> {
    let found = select(sql, "kind = ?3 AND name = ?4", |statement| {
        statement
            .bind(place.tenant)
            .bind(place.session)
            .bind(place.kind.as_str())
            .bind(place.name)
    });
    Ok(found.await?.into_iter().next())
}

fn upload(row: &Row) -> Upload {
    let number = |i| {
        row.int(i)
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or_default()
    };
    Upload {
        id: row.string(0),
        name: row.string(1),
        size: number(2),
        chunk_size: number(3),
        last_size: number(4),
        last_hash: row.string(5),
        taken: row.int(6) == Some(1),
        version: row.int(7).unwrap_or_default(),
        received_at: row.int(8).unwrap_or_default(),
    }
}

/// Receives one chunk of at most `at_most` bytes. When this returns, it is on disk.
///
/// # Errors
/// [`Error::Broken`] when the body broke off, [`Error::TooLarge`], [`Error::Quota`] (nothing of the chunk
/// is kept then), or the database's.
pub async fn receive(
    sql: &impl Sql,
    place: Place<'_>,
    kind: FileKind,
    limit: u64,
    body: &mut impl Body,
    at_most: u64,
    now_ms: i64,
) -> Result<(Upload, Action), Error> {
    let staged = staged(sql, place.tenant, place.session).await?;
    if staged.files >= MAX_FILES {
        return Err(Error::TooManyFiles);
    }
    let room = QUOTA_BYTES.saturating_sub(staged.bytes);
    if body.length().is_some_and(|length| length > at_most) {
        return Err(Error::TooLarge);
    }
    if body.length().is_some_and(|length| length > room) {
        return Err(Error::Quota);
    }
    let mut writer = Writer::new(place.tenant, now_ms)?;
    while let Some(bytes) = body.chunk().await.map_err(|_| Error::Broken)? {
        let size = writer.take(bytes);
        if size > at_most {
            return Err(Error::TooLarge);
        }
        if size > room {
            return Err(Error::Quota);
        }
        writer.flush(sql).await?;
    }
    if body.length().is_some_and(|length| length != writer.size) {
        return Err(Error::Broken);
    }
    let (chunk, rest) = writer.finish();
    commit(sql, place, kind, limit, &chunk, rest, now_ms).await
}

/// Appends what was received, as one change of the file.
async fn commit(
    sql: &impl Sql,
    place: Place<'_>,
    kind: FileKind,
    limit: u64,
    chunk: &Written,
    rest: Vec<Statement>,
    now_ms: i64,
) -> Result<(Upload, Action), Error> {
    let mut attempt = 1;
    loop {
        let known = find(sql, place).await?;
        let action = decide(known.as_ref(), kind, &chunk.chunk, limit);
        let next = match (action, known) {
            (Action::Repeated, Some(known)) => return Ok((known, action)),
            (Action::Append, Some(known)) => known.appended(chunk, now_ms),
            (_, known) => begun(known.as_ref(), place.name, chunk, now_ms)?,
        };
        let mut batch = rest.clone();
        batch.extend(next.statements(place, chunk));
        if action == Action::Begin && place.kind == Kind::Catalog && waits(kind, chunk, limit) {
            // It is looked after where its client never asks for it.
            let at = now_ms + ABANDONED_MS;
            batch.push(job::ask_at(place.tenant, JOB, "", at, now_ms));
        }
        match sql.atomic(batch).await {
            Ok(_) => return Ok((next, action)),
            // Two of the same chunk at once: one of them is the repetition.
            Err(SqlError::Conflict | SqlError::Constraint(_)) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether a file that begins with this chunk waits for something: of a picture, one chunk that is not
/// whole is all.
fn waits(kind: FileKind, chunk: &Written, limit: u64) -> bool {
    kind != FileKind::Picture || chunk.chunk.size >= limit
}

fn begun(
    known: Option<&Upload>,
    name: &str,
    chunk: &Written,
    now_ms: i64,
) -> Result<Upload, Error> {
    let version = known.map_or(0, |known| known.version);
    Ok(Upload {
        id: random::hex::<16>()?,
        name: name.to_owned(),
        version,
        ..Upload::default()
    }
    .appended(chunk, now_ms))
}

impl Upload {
    fn appended(&self, chunk: &Written, now_ms: i64) -> Self {
        Self {
            size: self.size.saturating_add(chunk.chunk.size),
            chunk_size: self.chunk_size.max(chunk.chunk.size),
            last_size: chunk.chunk.size,
            last_hash: chunk.chunk.hash.clone(),
            version: self.version + 1,
            received_at: now_ms,
            ..self.clone()
        }
    }

    /// What makes a chunk part of the file, if nobody else has changed it since it was read.
    fn statements(&self, place: Place<'_>, chunk: &Written) -> [Statement; 2] {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let file = Statement::new(
            "INSERT INTO uploads (tenant, session, kind, name, id, size, chunk_size, last_size, last_hash, \
             state, version, received_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'receiving', ?10, ?11) \
             ON CONFLICT (tenant, session, kind, name) DO UPDATE SET id = excluded.id, size = excluded.size, \
             chunk_size = excluded.chunk_size, last_size = excluded.last_size, \
             last_hash = excluded.last_hash, state = excluded.state, version = excluded.version, \
             received_at = excluded.received_at WHERE uploads.version = excluded.version - 1 RETURNING 1",
        )
        .bind(place.tenant)
        .bind(place.session)
        .bind(place.kind.as_str())
        .bind(place.name)
        .bind(&self.id)
        .bind(number(self.size))
        .bind(number(self.chunk_size))
        .bind(number(self.last_size))
        .bind(&self.last_hash)
        .bind(self.version)
        .bind(self.received_at)
        .expect_rows(1);
        let part = Statement::new(
            "INSERT INTO upload_chunks (tenant, upload, start, chunk, size) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(place.tenant)
        .bind(&self.id)
        .bind(number(self.size - chunk.chunk.size))
        .bind(&chunk.name)
        .bind(number(chunk.chunk.size));
        [file, part]
    }
}

struct Staged {
    bytes: u64,
    files: i64,
}

async fn staged(sql: &impl Sql, tenant: &str, session: &str) -> Result<Staged, SqlError> {
    let statement = Statement::new(
        "SELECT (SELECT coalesce(sum(size), 0) FROM uploads WHERE tenant = ?1 AND state <> 'taken'), \
         (SELECT count(*) FROM uploads WHERE tenant = ?1 AND session = ?2)",
    )
    .bind(tenant)
    .bind(session);
    let rows = sql.query(statement).await?;
    let number = |i| rows.first().and_then(|row| row.int(i)).unwrap_or_default();
    Ok(Staged {
        bytes: u64::try_from(number(0)).unwrap_or_default(),
        files: number(1),
    })
}

/// A chunk whose parts are written, or about to be.
struct Written {
    name: String,
    chunk: Chunk,
}

/// Writes a chunk part by part.
struct Writer {
    tenant: String,
    name: String,
    now_ms: i64,
    head: Vec<u8>,
    held: Vec<u8>,
    part: i64,
    size: u64,
    hash: XxHash3_128,
}

impl Writer {
    fn new(tenant: &str, now_ms: i64) -> Result<Self, Error> {
        Ok(Self {
            tenant: tenant.to_owned(),
            name: random::hex::<16>()?,
            now_ms,
            head: Vec::new(),
            held: Vec::new(),
            part: 0,
            size: 0,
            hash: XxHash3_128::new(),
        })
    }

    /// Takes bytes; answers how many there are by now.
    fn take(&mut self, bytes: Vec<u8>) -> u64 {
        let wanted = HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(wanted));
        self.hash.write(&bytes);
        self.size = self
            .size
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.held.is_empty() {
            self.held = bytes;
        } else {
            self.held.extend_from_slice(&bytes);
        }
        self.size
    }

    /// Writes what is held, when it is much.
    async fn flush(&mut self, sql: &impl Sql) -> Result<(), SqlError> {
        if self.held.len() < FLUSH_BYTES {
            return Ok(());
        }
        let mut batch = Vec::new();
        let whole = self.held.len() - self.held.len() % PART_BYTES;
        let rest = self.held.split_off(whole);
        let held = std::mem::replace(&mut self.held, rest);
        for bytes in held.chunks(PART_BYTES) {
            batch.push(self.write(bytes));
        }
        sql.atomic(batch).await.map(drop)
    }

    fn write(&mut self, bytes: &[u8]) -> Statement {
        let part = self.part;
        self.part += 1;
        Statement::new(
            "INSERT INTO upload_parts (tenant, chunk, part, bytes, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(&self.tenant)
        .bind(&self.name)
        .bind(part)
        .bind(bytes.to_vec())
        .bind(self.now_ms)
    }

    /// The chunk, and the statements that write what is still held.
    fn finish(mut self) -> (Written, Vec<Statement>) {
        let held = std::mem::take(&mut self.held);
        let rest = held
            .chunks(PART_BYTES)
            .map(|bytes| self.write(bytes))
            .collect();
        let chunk = Chunk {
            head: self.head,
            size: self.size,
            hash: format!("{:032x}", self.hash.finish_128()),
        };
        (
            Written {
                name: self.name,
                chunk,
            },
            rest,
        )
    }
}

/// The bytes from `offset` to the end of the part they lie in; empty behind the end.
///
/// # Errors
/// The database's, or [`Error::Gone`] when they were swept away.
pub async fn read(
    sql: &impl Sql,
    tenant: &str,
    upload: &str,
    offset: u64,
) -> Result<Vec<u8>, Error> {
    let at = i64::try_from(offset).unwrap_or(i64::MAX);
    let part_bytes = i64::try_from(PART_BYTES).unwrap_or(i64::MAX);
    let statement = Statement::new(
        "SELECT ?3 - c.start, p.bytes FROM (SELECT start, chunk, size FROM upload_chunks \
         WHERE tenant = +?1 AND upload = +?2 AND start <= +?3 ORDER BY start DESC LIMIT 1) c \
         CROSS JOIN upload_parts p ON p.tenant = +?1 AND p.chunk = c.chunk \
         AND p.part = (?3 - c.start) / ?4 WHERE ?3 < c.start + c.size",
    )
    .bind(tenant)
    .bind(upload)
    .bind(at)
    .bind(part_bytes);
    let rows = sql.query(statement).await?;
    let Some(mut row) = rows.into_iter().next() else {
        return Ok(Vec::new());
    };
    let into = row.int(0).unwrap_or_default() % part_bytes;
    let into = usize::try_from(into).unwrap_or_default();
    match row.0.pop() {
        Some(sklad_store::Value::Blob(bytes)) if into == 0 => Ok(bytes),
        Some(sklad_store::Value::Blob(bytes)) => Ok(bytes.get(into..).unwrap_or_default().to_vec()),
        _ => Err(Error::Gone),
    }
}

/// The last `most` bytes of a content of `size` bytes, or all of it.
///
/// # Errors
/// Those of [`read`].
pub async fn tail(
    sql: &impl Sql,
    tenant: &str,
    upload: &str,
    size: u64,
    most: u64,
) -> Result<Vec<u8>, Error> {
    let mut tail = Vec::new();
    let mut at = size.saturating_sub(most);
    while at < size {
        let bytes = read(sql, tenant, upload, at).await?;
        if bytes.is_empty() {
            return Err(Error::Gone);
        }
        at = at.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        tail.extend(bytes);
    }
    Ok(tail)
}

/// The whole content of a file of at most `limit` bytes.
///
/// # Errors
/// [`Error::TooLarge`], or those of [`read`].
pub async fn whole(
    sql: &impl Sql,
    tenant: &str,
    upload: &Upload,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    if upload.size > limit {
        return Err(Error::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(upload.size).unwrap_or_default());
    while u64::try_from(bytes.len()).is_ok_and(|have| have < upload.size) {
        let have = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let more = read(sql, tenant, &upload.id, have).await?;
        if more.is_empty() {
            return Err(Error::Gone);
        }
        bytes.extend_from_slice(&more);
    }
    Ok(bytes)
}

/// The files of a session with this extension of which nothing was made yet, by name.
///
/// # Errors
/// The database's.
pub async fn waiting(
    sql: &impl Sql,
    tenant: &str,
    session: &str,
    kind: Kind,
    extension: &str,
) -> Result<Vec<Upload>, SqlError> {
    let like = format!("%.{extension}");
    select(
        sql,
        "kind = ?3 AND state = 'receiving' AND name LIKE ?4 ORDER BY name LIMIT 1000",
        |statement| {
            statement
                .bind(tenant)
                .bind(session)
                .bind(kind.as_str())
                .bind(like)
        },
    )
    .await
}

/// The XML files of a session that came with this archive or after it, and of which nothing was made yet,
/// by name.
///
/// # Errors
/// The database's.
pub async fn unpacked(
    sql: &impl Sql,
    place: Place<'_>,
    archive: &str,
) -> Result<Vec<Upload>, SqlError> {
    let which = "kind = ?3 AND state = 'receiving' AND name LIKE '%.xml' \
         AND received_at >= (SELECT z.received_at FROM uploads z WHERE z.tenant = ?1 \
         AND z.session = ?2 AND z.kind = ?3 AND z.id = ?4) ORDER BY name LIMIT 1000";
    select(sql, which, |statement| {
        statement
            .bind(place.tenant)
            .bind(place.session)
            .bind(place.kind.as_str())
            .bind(archive)
    })
    .await
}

/// Up to a hundred files of a session that are pictures and not stored as such.
///
/// # Errors
/// The database's.
pub async fn waiting_pictures(
    sql: &impl Sql,
    tenant: &str,
    session: &str,
) -> Result<Vec<Upload>, SqlError> {
    select(
        sql,
        "state = 'receiving' AND name NOT LIKE '%.xml' AND name NOT LIKE '%.zip' LIMIT 100",
        |statement| statement.bind(tenant).bind(session),
    )
    .await
}

/// Up to a hundred files of the catalogue that are pictures, not stored as such, and of which nothing has
/// come since `before`, milliseconds since 1970 UTC.
///
/// # Errors
/// The database's.
pub async fn resting_pictures(
    sql: &impl Sql,
    tenant: &str,
    before: i64,
) -> Result<Vec<Upload>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM uploads INDEXED BY uploads_waiting \
         WHERE tenant = ?1 AND state = 'receiving' AND received_at < ?2 AND kind = ?3 \
         AND name NOT LIKE '%.xml' AND name NOT LIKE '%.zip' LIMIT 100"
    ));
    let statement = statement.bind(tenant).bind(before);
    let rows = sql.query(statement.bind(Kind::Catalog.as_str())).await?;
    Ok(rows.iter().map(upload).collect())
}

/// The columns that [`upload`] reads.
const COLUMNS: &str =
    "id, name, size, chunk_size, last_size, last_hash, state = 'taken', version, received_at";

async fn select(
    sql: &impl Sql,
    which: &str,
    bind: impl FnOnce(Statement) -> Statement,
) -> Result<Vec<Upload>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM uploads WHERE tenant = ?1 AND session = ?2 AND {which}"
    ));
    let rows = sql.query(bind(statement)).await?;
    Ok(rows.iter().map(upload).collect())
}

/// The length of a content, in bytes.
///
/// # Errors
/// The database's.
pub async fn length(sql: &impl Sql, tenant: &str, upload: &str) -> Result<u64, SqlError> {
    let statement = Statement::new(
        "SELECT start + size FROM upload_chunks WHERE tenant = ?1 AND upload = ?2 \
         ORDER BY start DESC LIMIT 1",
    )
    .bind(tenant)
    .bind(upload);
    let rows = sql.query(statement).await?;
    let length = rows.first().and_then(|row| row.int(0)).unwrap_or_default();
    Ok(u64::try_from(length).unwrap_or_default())
}

/// Forgets what a name holds.
///
/// # Errors
/// The database's.
pub async fn forget(sql: &impl Sql, place: Place<'_>) -> Result<(), SqlError> {
    let statement = Statement::new(
        "DELETE FROM uploads WHERE tenant = ?1 AND session = ?2 AND kind = ?3 AND name = ?4",
    )
    .bind(place.tenant)
    .bind(place.session)
    .bind(place.kind.as_str())
    .bind(place.name);
    sql.atomic(vec![statement]).await.map(drop)
}

/// The statement that says that the picture of this content is stored. Its bytes stay for a while, since
/// another chunk may come.
#[must_use]
pub fn kept(tenant: &str, upload: &str) -> Statement {
    Statement::new("UPDATE uploads SET state = 'kept' WHERE tenant = ?1 AND id = ?2")
        .bind(tenant)
        .bind(upload)
}

/// The statement that says that something was made of this content. The file's next chunk begins it
/// anew, unless it is its last one again.
#[must_use]
pub fn taken(tenant: &str, upload: &str) -> Statement {
    Statement::new("UPDATE uploads SET state = 'taken' WHERE tenant = ?1 AND id = ?2")
        .bind(tenant)
        .bind(upload)
}

/// The statement that says that nothing could be made of this content. The file's next chunk begins it
/// anew, be it the same: the client has seen the failure.
#[must_use]
pub fn failed(tenant: &str, upload: &str) -> Statement {
    let sql = "UPDATE uploads SET state = 'taken', last_hash = '' WHERE tenant = ?1 AND id = ?2";
    Statement::new(sql).bind(tenant).bind(upload)
}

/// The statement that forgets a content; its bytes are freed later.
#[must_use]
pub fn gone(tenant: &str, upload: &str) -> Statement {
    Statement::new("DELETE FROM uploads WHERE tenant = ?1 AND id = ?2")
        .bind(tenant)
        .bind(upload)
}

/// The XML files of a session whose import has failed: name, when the file came, and what the client was
/// told.
///
/// # Errors
/// The database's.
pub async fn failures(
    sql: &impl Sql,
    tenant: &str,
    session: &str,
    kind: Kind,
) -> Result<Vec<(String, i64, String)>, SqlError> {
    let statement = Statement::new(
        "SELECT u.name, u.received_at, i.message FROM uploads u JOIN imports i ON i.tenant = u.tenant AND i.id = u.id \
         WHERE u.tenant = ?1 AND u.session = ?2 AND u.kind = ?3 AND u.state = 'taken' \
         AND u.name LIKE '%.xml' AND i.state = 'failed' ORDER BY u.name LIMIT 1000",
    )
    .bind(tenant)
    .bind(session)
    .bind(kind.as_str());
    let rows = sql.query(statement).await?;
    let failure = |row: &Row| (row.string(0), row.int(1).unwrap_or_default(), row.string(2));
    Ok(rows.iter().map(failure).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 1_000_000;

    fn chunk(head: &[u8], size: u64, hash: &str) -> Chunk {
        Chunk {
            head: head.to_vec(),
            size,
            hash: hash.to_owned(),
        }
    }

    fn known(size: u64, chunk_size: u64, last_size: u64, last_hash: &str) -> Upload {
        Upload {
            size,
            chunk_size,
            last_size,
            last_hash: last_hash.to_owned(),
            ..Upload::default()
        }
    }

    #[test]
    fn the_first_chunk_begins_and_the_next_goes_on() {
        let first = chunk(b"<?xml", LIMIT, "a");
        assert_eq!(decide(None, FileKind::Xml, &first, LIMIT), Action::Begin);
        let have = known(LIMIT, LIMIT, LIMIT, "a");
        let next = chunk(b"<a>", LIMIT, "b");
        assert_eq!(
            decide(Some(&have), FileKind::Xml, &next, LIMIT),
            Action::Append
        );
    }

    #[test]
    fn a_chunk_that_came_twice_is_there_once() {
        let have = known(2 * LIMIT, LIMIT, LIMIT, "b");
        let again = chunk(b"...", LIMIT, "b");
        assert_eq!(
            decide(Some(&have), FileKind::Xml, &again, LIMIT),
            Action::Repeated
        );
        let last = known(LIMIT + 3, LIMIT, 3, "c");
        let again = chunk(b"...", 3, "c");
        assert_eq!(
            decide(Some(&last), FileKind::Zip, &again, LIMIT),
            Action::Repeated
        );
        let only = known(3, 3, 3, "c");
        assert_eq!(
            decide(Some(&only), FileKind::Xml, &again, LIMIT),
            Action::Repeated
        );
    }

    #[test]
    fn a_prolog_begins_the_file_anew() {
        let have = known(LIMIT, LIMIT, LIMIT, "a");
        let root1251 = sklad_cyrillic::encode_1251("<КоммерческаяИнформация В");
        for head in [
            b"<?xml version".to_vec(),
            b"\xef\xbb\xbf\xef\xbb\xbf <?xml".to_vec(),
            "\n<КоммерческаяИнформация>".as_bytes().to_vec(),
            root1251,
            b"\xff\xfe<\0?\0x\0m\0".to_vec(),
        ] {
            let again = chunk(&head, LIMIT, "x");
            assert_eq!(
                decide(Some(&have), FileKind::Xml, &again, LIMIT),
                Action::Begin
            );
        }
    }

    #[test]
    fn a_comment_before_the_root_begins_the_file_anew_and_another_does_not() {
        let have = known(LIMIT, LIMIT, LIMIT, "a");
        let of = |head: &str| {
            let chunk = chunk(head.as_bytes(), LIMIT, "x");
            decide(Some(&have), FileKind::Xml, &chunk, LIMIT)
        };
        let root = "<!-- 1C --> <!-- 8.3 -->\n<КоммерческаяИнформация ВерсияСхемы=\"2.07\">";
        assert_eq!(of(root), Action::Begin);
        for inside in ["<!-- 1C --><Товар>", "<!-- 1C", "-->", "<!---->"] {
            assert_eq!(of(inside), Action::Append, "{inside}");
        }
    }

    #[test]
    fn an_empty_chunk_changes_nothing_of_a_file_that_has_begun() {
        let have = known(LIMIT, LIMIT, LIMIT, "a");
        let empty = chunk(b"", 0, "e");
        let decided = decide(Some(&have), FileKind::Xml, &empty, LIMIT);
        assert_eq!(decided, Action::Repeated);
        assert_eq!(decide(None, FileKind::Xml, &empty, LIMIT), Action::Begin);
    }

    #[test]
    fn inside_an_archive_or_a_picture_a_signature_may_stand() {
        for (kind, head) in [
            (FileKind::Zip, b"PK\x03\x04".as_slice()),
            (FileKind::Picture, b"\xff\xd8\xff\xe0"),
        ] {
            let inside = known(LIMIT, LIMIT, LIMIT, "a");
            let next = chunk(head, 10, "b");
            assert_eq!(decide(Some(&inside), kind, &next, LIMIT), Action::Append);
            let whole = known(LIMIT + 5, LIMIT, 5, "a");
            assert_eq!(decide(Some(&whole), kind, &next, LIMIT), Action::Begin);
        }
    }

    #[test]
    fn what_was_imported_begins_anew() {
        let have = Upload {
            taken: true,
            ..known(10, 10, 10, "a")
        };
        let other = chunk(b"...", 10, "b");
        assert_eq!(
            decide(Some(&have), FileKind::Xml, &other, LIMIT),
            Action::Begin
        );
    }
}
