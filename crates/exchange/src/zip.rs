//! Archives: unpacked entry by entry into files of the session (commerceml §1.12).
//!
//! The library reads from something that can be read at once; our bytes come by statements that are
//! awaited. So the source says "would block" for bytes that it does not hold, they are fetched, and the
//! library is asked again: it goes on where it was.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use sklad_store::{Body, BrokenBody, Sql};
use zip::ZipArchive;
use zip::read::ZipFile;
use zip::result::ZipError;

use crate::Error;
use crate::names::{self, FileKind};
use crate::upload::{self, Upload};

/// The most entries of an archive.
pub const MAX_ENTRIES: usize = 100_000;
/// The most bytes that one entry unpacks to.
pub const MAX_ENTRY_BYTES: u64 = 1024 * 1024 * 1024;
/// The most bytes that come out of one byte of an entry that is not small.
pub const MAX_RATIO: u64 = 200;
/// What may come out of a small entry, whatever its ratio, in bytes.
const RATIO_FROM_BYTES: u64 = 1024 * 1024;
/// How many pieces of an archive are held at once.
const HELD: usize = 6;
/// How much is unpacked at once, in bytes.
const OUT_BYTES: usize = 64 * 1024;

/// The pieces of an archive that are at hand.
#[derive(Default)]
struct Pieces {
    size: u64,
    held: Vec<(u64, Vec<u8>)>,
    missing: Option<u64>,
}

/// Something to read from that may not have the bytes yet.
#[derive(Clone)]
struct Source {
    pieces: Rc<RefCell<Pieces>>,
    at: u64,
}

impl Read for Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut pieces = self.pieces.borrow_mut();
        if self.at >= pieces.size || out.is_empty() {
            return Ok(0);
        }
        let found = pieces.held.iter().find_map(|(start, bytes)| {
            let into = usize::try_from(self.at.checked_sub(*start)?).ok()?;
            bytes.get(into..).filter(|bytes| !bytes.is_empty())
        });
        let Some(bytes) = found else {
            pieces.missing = Some(self.at);
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let n = bytes.len().min(out.len());
        if let (Some(out), Some(bytes)) = (out.get_mut(..n), bytes.get(..n)) {
            out.copy_from_slice(bytes);
        }
        self.at = self.at.saturating_add(u64::try_from(n).unwrap_or_default());
        Ok(n)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let size = self.pieces.borrow().size;
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// An archive that was uploaded.
pub struct Archive<'a, S> {
    sql: &'a S,
    tenant: &'a str,
    upload: String,
    pieces: Rc<RefCell<Pieces>>,
    zip: ZipArchive<Source>,
    /// Entries whose name an earlier one has in another folder.
    twins: HashSet<usize>,
}

/// What an entry is.
pub enum Content<'a, S> {
    /// A file of the exchange, ready to be unpacked.
    File(Box<Entry<'a, S>>),
    /// A file that is none of the exchange, by its name.
    Unknown(String),
    /// A folder, or what systems put beside files.
    Nothing,
}

/// Fetches what was missing; `false` when nothing was.
async fn fetch(
    sql: &impl Sql,
    tenant: &str,
    upload: &str,
    pieces: &RefCell<Pieces>,
) -> Result<bool, Error> {
    let Some(at) = pieces.borrow_mut().missing.take() else {
        return Ok(false);
    };
    let bytes = upload::read(sql, tenant, upload, at).await?;
    if bytes.is_empty() {
        return Err(Error::Gone);
    }
    let mut pieces = pieces.borrow_mut();
    if pieces.held.len() >= HELD {
        pieces.held.remove(0);
    }
    pieces.held.push((at, bytes));
    Ok(true)
}

impl<'a, S: Sql> Archive<'a, S> {
    /// Reads the directory of an archive.
    ///
    /// # Errors
    /// [`Error::Archive`] when it is none or too large, or the database's.
    pub async fn open(sql: &'a S, tenant: &'a str, upload: &Upload) -> Result<Self, Error> {
        let pieces = Rc::new(RefCell::new(Pieces {
            size: upload.size,
            ..Pieces::default()
        }));
        let zip = loop {
            let source = Source {
                pieces: Rc::clone(&pieces),
                at: 0,
            };
            let opened = ZipArchive::new(source);
            if fetch(sql, tenant, &upload.id, &pieces).await? {
                continue;
            }
            break opened.map_err(|_| Error::Archive("файл не является архивом zip"))?;
        };
        if zip.len() > MAX_ENTRIES {
            return Err(Error::Archive("в архиве больше 100 000 файлов"));
        }
        Ok(Self {
            sql,
            tenant,
            upload: upload.id.clone(),
            pieces,
            twins: twins(&zip),
            zip,
        })
    }

    /// How many entries there are.
    pub fn entries(&self) -> usize {
        self.zip.len()
    }

    /// Entry `i`. Of two files of one name in different folders the second one is named after its place
    /// in the archive.
    ///
    /// # Errors
    /// [`Error::Archive`] for a name that leads elsewhere, a link, an encrypted entry, an archive in the
    /// archive or one that unpacks to too much; or the database's.
    pub async fn entry(&mut self, i: usize) -> Result<Content<'_, S>, Error> {
        // Its header may have to be fetched first.
        loop {
            let _ = self.zip.by_index(i);
            if !fetch(self.sql, self.tenant, &self.upload, &self.pieces).await? {
                break;
            }
        }
        let pieces = Rc::clone(&self.pieces);
        let file = self.zip.by_index(i).map_err(refused)?;
        let name = match checked(&file)? {
            Name::Of(name) if self.twins.contains(&i) => format!("{i}/{name}"),
            Name::Of(name) => name,
            Name::Unknown(name) => return Ok(Content::Unknown(name)),
            Name::None => return Ok(Content::Nothing),
        };
        let limit = file
            .compressed_size()
            .saturating_mul(MAX_RATIO)
            .clamp(RATIO_FROM_BYTES, MAX_ENTRY_BYTES);
        Ok(Content::File(Box::new(Entry {
            name,
            sql: self.sql,
            tenant: self.tenant,
            upload: &self.upload,
            pieces,
            limit,
            file,
        })))
    }
}

fn refused(error: ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            Error::Archive("архив с паролем")
        }
        ZipError::UnsupportedArchive(_) => Error::Archive("неизвестный способ сжатия"),
        _ => Error::Archive("архив повреждён"),
    }
}

/// The XML files whose name an earlier one has in another folder. Of pictures the folder is in the name,
/// or the last one counts.
fn twins(zip: &ZipArchive<Source>) -> HashSet<usize> {
    let mut seen = HashSet::new();
    let is_twin = |i: &usize| {
        let Some(Ok(name)) = zip.name_for_index(*i) else {
            return false;
        };
        let file = name.rsplit(['/', '\\']).next().unwrap_or(&name).trim();
        let wanted = names::kind(file) == Ok(FileKind::Xml) && !is_junk(&name);
        wanted && !seen.insert(file.to_owned())
    };
    (0..zip.len()).filter(is_twin).collect()
}

/// Whether it is what macOS and Windows put beside files.
fn is_junk(name: &str) -> bool {
    let mut segments = name.split(['/', '\\']);
    let file = segments.next_back().unwrap_or(name);
    file.starts_with("._")
        || [".DS_Store", "Thumbs.db", "desktop.ini"].contains(&file)
        || segments.any(|folder| folder == "__MACOSX")
}

/// What an entry's name says.
enum Name {
    Of(String),
    Unknown(String),
    None,
}

/// The name of an entry that is a file of the exchange.
fn checked(file: &ZipFile<'_, Source>) -> Result<Name, Error> {
    if file.is_symlink() {
        return Err(Error::Archive("ссылка в архиве"));
    }
    // The library decodes names as DOS did; 1C writes them in UTF-8 or windows-1251.
    let name = sklad_cyrillic::decode(file.name_raw());
    if name.split(['/', '\\']).any(|segment| segment == "..") {
        return Err(Error::Archive("недопустимое имя файла в архиве"));
    }
    if file.is_dir() || is_junk(&name) {
        return Ok(Name::None);
    }
    let Ok(name) = names::sanitised(&name) else {
        return Err(Error::Archive("недопустимое имя файла в архиве"));
    };
    match names::kind(&name) {
        Ok(FileKind::Zip) => Err(Error::Archive("архив в архиве")),
        Ok(_) => Ok(Name::Of(name)),
        Err(_) => Ok(Name::Unknown(name)),
    }
}

/// An entry that is being unpacked.
pub struct Entry<'a, S> {
    /// Its name in the form of [`names::sanitised`].
    pub name: String,
    sql: &'a S,
    tenant: &'a str,
    upload: &'a str,
    pieces: Rc<RefCell<Pieces>>,
    limit: u64,
    file: ZipFile<'a, Source>,
}

impl<S: Sql> Body for Entry<'_, S> {
    // What an archive says about its entries is not believed.
    fn length(&self) -> Option<u64> {
        None
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, BrokenBody> {
        let mut out = vec![0; OUT_BYTES];
        loop {
            match self.file.read(&mut out) {
                Ok(0) => return Ok(None),
                Ok(n) => {
                    let n64 = u64::try_from(n).map_err(|_| BrokenBody)?;
                    self.limit = self.limit.checked_sub(n64).ok_or(BrokenBody)?;
                    out.truncate(n);
                    return Ok(Some(out));
                }
                Err(_) => {
                    let fetched = fetch(self.sql, self.tenant, self.upload, &self.pieces).await;
                    if !fetched.map_err(|_| BrokenBody)? {
                        return Err(BrokenBody);
                    }
                }
            }
        }
    }
}
