//! What can go wrong with a file, and what is only doubtful.

/// Why a file cannot be read any further, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("строка {line}, столбец {column}: {kind}")]
pub struct ReadError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Line of the file, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

/// What is wrong with a file. The texts are for merchants, and short: a client shows them in its log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// Nothing but blanks.
    #[error("файл пуст")]
    Empty,
    /// Not XML, or XML that is not well-formed.
    #[error("это не XML или XML с ошибкой")]
    NotXml,
    /// The root is another element than `КоммерческаяИнформация`.
    #[error("это не CommerceML: корневой элемент «{0}»")]
    NotCommerceMl(String),
    /// CommerceML 1, which keeps its data in attributes.
    #[error("CommerceML 1 не поддерживается, нужна версия 2 или 3")]
    OldVersion,
    /// Any `<!DOCTYPE`: entities of a file's own are never wanted and often an attack.
    #[error("DOCTYPE в файле не допускается")]
    Dtd,
    /// An entity beyond the five of XML, or a reference to no character.
    #[error("неизвестная сущность «&{0};»")]
    Entity(String),
    /// An end tag of another element than the open one.
    #[error("закрыт «{found}», а открыт «{expected}»")]
    Mismatch {
        /// The element that is open.
        expected: String,
        /// The name in the end tag.
        found: String,
    },
    /// The file ends before its elements do.
    #[error("файл обрывается, не закончившись")]
    Truncated,
    /// Bytes that are no characters of the file's encoding.
    #[error("недопустимые байты в кодировке {0}")]
    Encoding(&'static str),
    /// The declared encoding is none of those that are read.
    #[error("кодировка «{0}» не поддерживается")]
    UnknownEncoding(String),
    /// More elements are open than [`Limits::depth`](crate::Limits::depth).
    #[error("слишком глубокая вложенность элементов")]
    Depth,
    /// A text, tag or comment is longer than [`Limits::text`](crate::Limits::text).
    #[error("слишком длинный текст")]
    Text,
    /// More attributes than [`Limits::attributes`](crate::Limits::attributes).
    #[error("слишком много атрибутов у элемента")]
    Attributes,
    /// A longer name than [`Limits::name`](crate::Limits::name).
    #[error("слишком длинное имя элемента")]
    Name,
    /// One object is larger than [`Limits::children`](crate::Limits::children) or
    /// [`Limits::object`](crate::Limits::object).
    #[error("слишком большой объект: слишком много вложенных элементов")]
    Object,
}

/// What kind of doubt a [`Warning`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningCode {
    /// A text that is no number.
    Number,
    /// A number beyond [`value::NUMBER_MAX`](crate::value::NUMBER_MAX).
    Range,
    /// A text that is neither true nor false.
    Boolean,
    /// A text that is no date or time.
    Date,
    /// An id of more than 255 characters.
    LongId,
    /// An object that cannot be stored since it has no id; it is left out.
    NoId,
    /// The file says UTF-8 and is windows-1251.
    Encoding,
}

/// Something in a file was left out or guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Line of the file, from 1: where the value ends.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
    /// Id of the good, offer, document, … that it is about, if it was known by then.
    pub object: Option<String>,
    /// What kind it is.
    pub code: WarningCode,
    /// The same in Russian, with the value.
    pub text: String,
}
