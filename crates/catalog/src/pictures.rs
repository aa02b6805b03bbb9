//! Picture files. A file is kept once by the SHA-256 of its bytes; a name means the file that was
//! uploaded under it last. Goods hold names, so that it does not matter whether a picture or the good
//! comes first.

use serde_json::json;
use sha2::{Digest, Sha256};
use sklad_store::{Sql, Statement, Value};

use crate::Error;

/// The largest picture, in bytes.
pub const MAX_BYTES: usize = 10 * 1024 * 1024;
/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 255;
/// The most names or pictures that one call of [`sweep`] forgets.
pub const SWEEP_PORTION: i64 = 500;

/// A picture that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of its bytes, hexadecimal.
    pub hash: String,
    /// Its media type, as `image/jpeg`.
    pub media_type: &'static str,
    /// How many goods show it (anew) by this.
    pub goods: usize,
}

/// A picture as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its media type.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// When it came, milliseconds since 1970 UTC.
    pub created_at: i64,
}

/// The folder whose path is part of a picture's name.
const FOLDER: &str = "import_files/";

/// A file name as it is compared: in lower case, since it comes from Windows, with slashes; of a path what
/// begins with `import_files`, else the last segment (commerceml §1.4, §1.12, §2.4).
#[must_use]
pub fn file_name(name: &str) -> String {
    let name = name.trim().replace('\\', "/").to_lowercase();
    let folder = name.match_indices(FOLDER).map(|(at, _)| at);
    let mut whole = folder.filter(|at| {
        name.get(..*at)
            .is_some_and(|s| s.is_empty() || s.ends_with('/'))
    });
    let from = whole.next().or_else(|| name.rfind('/').map(|at| at + 1));
    name.get(from.unwrap_or_default()..)
        .unwrap_or_default()
        .to_owned()
}

/// The media type that the first bytes of a file mean.
#[must_use]
pub fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, ..] => Some("image/bmp"),
        _ => None,
    }
}

/// Stores a file under a name; goods that name it count as changed when it is another one than
/// before.
///
/// # Errors
/// [`Error::Invalid`] for what is no JPEG, PNG, GIF, WebP or BMP, is larger than [`MAX_BYTES`] or has
/// no usable name, or the database's.
pub async fn store(
    sql: &impl Sql,
    tenant: &str,
    name: &str,
    bytes: Vec<u8>,
    now_ms: i64,
) -> Result<Stored, Error> {
    let name = file_name(name);
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::invalid(
            name,
            "имя файла пусто или длиннее 255 знаков",
        ));
    }
    if bytes.len() > MAX_BYTES {
        return Err(Error::invalid(name, "картинка больше 10 МБ"));
    }
    let Some(media_type) = media_type(&bytes) else {
        return Err(Error::invalid(
            name,
            "не картинка: нужен JPEG, PNG, GIF, WebP или BMP",
        ));
    };
    let hash = hex::encode(Sha256::digest(&bytes));
    let batch = writes(tenant, &name, &hash, media_type, bytes, now_ms);
    let done = sql.atomic(batch).await?;
    Ok(Stored {
        hash,
        media_type,
        goods: done.first().map_or(0, Vec::len),
    })
}

fn writes(
    tenant: &str,
    name: &str,
    hash: &str,
    media_type: &str,
    bytes: Vec<u8>,
    now_ms: i64,
) -> Vec<Statement> {
    let touch = Statement::new(
        "UPDATE goods SET version = version + 1, updated_at = ?4 WHERE tenant = ?1 \
         AND id IN (SELECT good FROM good_terms WHERE tenant = ?1 AND kind = 'picture' AND value = ?2) \
         AND (SELECT hash FROM picture_names WHERE tenant = ?1 AND name = ?2) IS NOT ?3 RETURNING 1",
    )
    .bind(tenant)
    .bind(name)
    .bind(hash)
    .bind(now_ms);
    let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    let mut picture = Statement::new(
        "INSERT INTO pictures (tenant, hash, media_type, size, created_at, bytes) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (tenant, hash) DO NOTHING",
    )
    .bind(tenant)
    .bind(hash)
    .bind(media_type)
    .bind(size)
    .bind(now_ms);
    picture = picture.bind(Value::Blob(bytes));
    let named = Statement::new(
        "INSERT INTO picture_names (tenant, name, hash, updated_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant, name) DO UPDATE SET hash = excluded.hash, updated_at = excluded.updated_at",
    )
    .bind(tenant)
    .bind(name)
    .bind(hash)
    .bind(now_ms);
    vec![touch, picture, named]
}

/// The picture with this hash.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, hash: &str) -> Result<Option<Picture>, Error> {
    let statement = Statement::new(
        "SELECT media_type, created_at, bytes FROM pictures WHERE tenant = ?1 AND hash = ?2",
    )
    .bind(tenant)
    .bind(hash.trim().to_ascii_lowercase());
    let mut rows = sql.query(statement).await?;
    let Some(mut row) = rows.pop() else {
        return Ok(None);
    };
    let Some(Value::Blob(bytes)) = row.0.pop() else {
        return Ok(None);
    };
    Ok(Some(Picture {
        media_type: row.string(0),
        bytes,
        created_at: row.int(1).unwrap_or_default(),
    }))
}

/// The hashes of these names, as far as files have come.
pub(crate) async fn resolve(
    sql: &impl Sql,
    tenant: &str,
    names: &[String],
) -> Result<Vec<Option<String>>, Error> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let statement = Statement::new(
        "SELECT (SELECT p.hash FROM picture_names p WHERE p.tenant = ?1 AND p.name = k.value) \
         FROM json_each(?2) k ORDER BY k.key",
    )
    .bind(tenant)
    .bind(json!(names).to_string());
    let rows = sql.query(statement).await?;
    Ok(rows
        .iter()
        .map(|row| row.text(0).map(str::to_owned))
        .collect())
}

/// Forgets names that no good has and files that no name means, of those that came before
/// `before_ms`; answers how many. Call it until that is none: a file goes after its last name.
///
/// # Errors
/// The database's.
pub async fn sweep(sql: &impl Sql, tenant: &str, before_ms: i64) -> Result<usize, Error> {
    const NAMELESS: &str = "NOT EXISTS (SELECT 1 FROM picture_names n WHERE n.tenant = ?1 \
         AND n.hash = pictures.hash)";
    const UNUSED: &str = "NOT EXISTS (SELECT 1 FROM good_terms t WHERE t.tenant = ?1 \
         AND t.kind = 'picture' AND t.value = picture_names.name)";
    // A look keeps nobody waiting, and mostly there is nothing.
    let look = Statement::new(format!(
        "SELECT 'name', name FROM (SELECT name FROM picture_names WHERE tenant = ?1 \
             AND updated_at < ?2 AND {UNUSED} LIMIT {SWEEP_PORTION}) \
         UNION ALL SELECT 'hash', hash FROM (SELECT hash FROM pictures WHERE tenant = ?1 \
             AND created_at < ?2 AND {NAMELESS} LIMIT {SWEEP_PORTION})"
    ));
    let rows = sql.query(look.bind(tenant).bind(before_ms)).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let found = |kind: &str| -> Vec<&str> {
        let of_kind = rows.iter().filter(|row| row.text(0) == Some(kind));
        of_kind.filter_map(|row| row.text(1)).collect()
    };
    let names = Statement::new(format!(
        "DELETE FROM picture_names WHERE tenant = ?1 AND name IN (SELECT value FROM json_each(?2)) \
         AND {UNUSED} RETURNING 1"
    ));
    let files = Statement::new(format!(
        "DELETE FROM pictures WHERE tenant = ?1 AND hash IN (SELECT value FROM json_each(?2)) \
         AND {NAMELESS} RETURNING 1"
    ));
    let bound = |statement: Statement, kind| {
        let found = json!(found(kind)).to_string();
        statement.bind(tenant).bind(found)
    };
    let both = vec![bound(names, "name"), bound(files, "hash")];
    let done = sql.atomic(both).await?;
    Ok(done.iter().map(Vec::len).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        assert_eq!(media_type(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(media_type(b"\x89PNG\r\n\x1a\n.."), Some("image/png"));
        assert_eq!(media_type(b"GIF89a"), Some("image/gif"));
        assert_eq!(media_type(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        assert_eq!(media_type(b"BM\x01\x02\x03\x04\0\0\0\0"), Some("image/bmp"));
        for other in [&b"<?php"[..], b"<svg", b"", b"PK\x03\x04", b"\xff\xd8"] {
            assert_eq!(media_type(other), None);
        }
    }

    #[test]
    fn a_name_is_one_however_it_is_written() {
        for name in [
            "import_files/0d/a.jpg",
            "import_files\\0d\\a.jpg",
            "/import_files/0d/a.jpg",
            " ./import_files/0d/a.jpg",
            "webdata/import_files/0d/A.JPG",
        ] {
            assert_eq!(file_name(name), "import_files/0d/a.jpg");
        }
    }
}
