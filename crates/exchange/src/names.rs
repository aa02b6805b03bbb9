//! Names of uploaded files. A client's name is a key in our tables and never a path; still it is
//! brought to one form, so that `Картинка` finds its file, and what nobody needs is refused
//! (commerceml §1.12).

/// The longest segment of a name, in bytes.
pub const MAX_SEGMENT_BYTES: usize = 255;
/// The most segments of a name.
pub const MAX_SEGMENTS: usize = 5;
/// The folder whose path is part of a picture's name.
const PICTURES: &str = "import_files";

/// What a file is, by its extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// An XML file.
    Xml,
    /// An archive.
    Zip,
    /// A picture.
    Picture,
}

/// A name that is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is none.
    #[error("Не указано имя файла (filename)")]
    Missing,
    /// It leads elsewhere, or holds what no name holds.
    #[error("Недопустимое имя файла")]
    Forbidden,
    /// It is longer than 255 bytes a segment, or deeper than five.
    #[error("Слишком длинное имя файла")]
    TooLong,
    /// Nothing that is exchanged has this extension.
    #[error("Файлы такого вида не принимаются: нужны xml, zip, jpg, png, gif, webp или bmp")]
    Kind,
}

/// The name in the form in which it is kept. Of a path only the last segment counts, of one through
/// `import_files` all from there.
///
/// # Errors
/// [`NameError`].
pub fn sanitised(name: &str) -> Result<String, NameError> {
    let name = name.trim().replace('\\', "/");
    let name = without_drive(&name);
    if name.contains(|c: char| c.is_control() || c == ':') {
        return Err(NameError::Forbidden);
    }
    let segments: Vec<&str> = name
        .split('/')
        .map(|segment| segment.trim())
        .filter(|segment| !segment.is_empty())
        .collect();
    if segments
        .iter()
        .any(|segment| segment.chars().all(|c| c == '.'))
    {
        return Err(NameError::Forbidden);
    }
    let from = segments
        .iter()
        .position(|segment| *segment == PICTURES)
        .unwrap_or(segments.len().saturating_sub(1));
    let kept = segments.get(from..).unwrap_or_default();
    match kept {
        [] => Err(NameError::Missing),
        kept if kept.len() > MAX_SEGMENTS => Err(NameError::TooLong),
        kept if kept.iter().any(|segment| segment.len() > MAX_SEGMENT_BYTES) => {
            Err(NameError::TooLong)
        }
        kept => Ok(kept.join("/")),
    }
}

fn without_drive(name: &str) -> &str {
    match name.split_at_checked(2) {
        Some((drive, rest))
            if drive.ends_with(':')
                && drive.starts_with(|c: char| c.is_ascii_alphabetic())
                && rest.starts_with('/') =>
        {
            rest
        }
        _ => name,
    }
}

/// What the file of this name is.
///
/// # Errors
/// [`NameError::Kind`].
pub fn kind(name: &str) -> Result<FileKind, NameError> {
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
    match extension.as_deref() {
        Some("xml") => Ok(FileKind::Xml),
        Some("zip") => Ok(FileKind::Zip),
        Some("jpg" | "jpeg" | "png" | "gif" | "webp" | "bmp") => Ok(FileKind::Picture),
        _ => Err(NameError::Kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_come_in_one_form() {
        for (given, kept) in [
            ("import.xml", "import.xml"),
            (r"C:\Users\1\v8_8789_c.xml", "v8_8789_c.xml"),
            ("/offers0_1.xml", "offers0_1.xml"),
            ("/tmp/upload/1c/webdata/import.xml", "import.xml"),
            (
                "import_files/0d/0de8_ab12.jpg",
                "import_files/0d/0de8_ab12.jpg",
            ),
            (r"webdata\import_files\0d\a.jpg", "import_files/0d/a.jpg"),
            (" Товары 1.xml ", "Товары 1.xml"),
            ("import___0f2c.xml", "import___0f2c.xml"),
        ] {
            assert_eq!(sanitised(given).as_deref(), Ok(kept), "{given}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for bad in [
            "",
            " ",
            "/",
            "..",
            r"..\..\x.xml",
            "a/../b.xml",
            "./a.xml",
            "a\0.xml",
            "ab:c.xml",
            // A stream of a file, not a drive.
            "a:b.xml",
            "import_files/../../x.jpg",
        ] {
            assert!(sanitised(bad).is_err(), "{bad}");
        }
        assert_eq!(sanitised(&"я".repeat(300)), Err(NameError::TooLong));
        assert_eq!(
            sanitised("import_files/1/2/3/4/5.jpg"),
            Err(NameError::TooLong)
        );
    }

    #[test]
    fn only_files_of_the_exchange_are_taken() {
        assert_eq!(kind("a.XML"), Ok(FileKind::Xml));
        assert_eq!(kind("v8_3B8F_3e.zip"), Ok(FileKind::Zip));
        assert_eq!(kind("import_files/0d/a.JPEG"), Ok(FileKind::Picture));
        for bad in [
            "a.php",
            "a",
            ".htaccess",
            "a.svg",
            "a.xml.php",
            "/etc/passwd",
        ] {
            assert_eq!(kind(bad), Err(NameError::Kind), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_kept_name_is_its_own_name(name in "[a-zA-Z.:/\\\\ я-]{0,40}") {
            if let Ok(kept) = sanitised(&name) {
                prop_assert_eq!(sanitised(&kept), Ok(kept.clone()));
                prop_assert!(!kept.split('/').any(|s| s.is_empty() || s == ".."));
            }
        }
    }
}
