//! Values as they stand in texts (§2.1): numbers, booleans, dates, ids, currencies.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::limits::ID_CHARS;

/// Numbers must be smaller than this, either way: beyond it no price is a price, and kopecks of it
/// still fit into 64 bits.
pub const NUMBER_MAX: i64 = 1_000_000_000_000_000;
/// Decimals of a price (§2.1 "Numbers").
pub const PRICE_SCALE: u32 = 4;
/// Decimals of a quantity (§2.1 "Numbers").
pub const QUANTITY_SCALE: u32 = 3;
/// Bytes of a number after its blanks are gone; Java writes at most 25.
const NUMBER_BYTES: usize = 64;
/// Digits before the point that a decimal can have.
const WHOLE_DIGITS: usize = 28;
/// Digits that are read without looking at the text twice.
const FAST_DIGITS: usize = 15;

/// Why a text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a number.
    #[error("не число")]
    NotANumber,
    /// [`NUMBER_MAX`] or more.
    #[error("число слишком велико")]
    Range,
}

/// A number: blanks of any kind dropped, comma or dot, Java's exponent, rounded half away from zero to
/// `scale` decimals. A blank text is `None`, which is not zero.
///
/// With both comma and dot in it the last is the decimal separator, the other may stand between
/// thousands.
pub fn number(text: &str, scale: u32) -> Result<Option<Decimal>, NumberError> {
    let exact = match fast(text.trim()) {
        Some(number) => Some(number),
        None => slow(text)?,
    };
    let Some(exact) = exact else { return Ok(None) };
    if exact.abs() >= Decimal::from(NUMBER_MAX) {
        return Err(NumberError::Range);
    }
    if exact.scale() <= scale {
        return Ok(Some(exact));
    }
    Ok(Some(exact.round_dp_with_strategy(
        scale,
        RoundingStrategy::MidpointAwayFromZero,
    )))
}

/// Plain digits with at most a sign and a dot, which most numbers are.
fn fast(text: &str) -> Option<Decimal> {
    let (digits, negative) = match text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (text, false),
    };
    if digits.len() > FAST_DIGITS {
        return None;
    }
    let (mut mantissa, mut scale, mut seen) = (0_i64, None, false);
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa * 10 + i64::from(byte - b'0');
                scale = scale.map(|s: u32| s + 1);
                seen = true;
            }
            b'.' if scale.is_none() && seen => scale = Some(0),
            _ => return None,
        }
    }
    let mantissa = if negative { -mantissa } else { mantissa };
    (seen && scale != Some(0)).then(|| Decimal::new(mantissa, scale.unwrap_or(0)))
}

/// Every other spelling.
fn slow(text: &str) -> Result<Option<Decimal>, NumberError> {
    let mut plain = String::with_capacity(text.len().min(NUMBER_BYTES));
    for char in text.chars().filter(|&c| !blank(c)) {
        if plain.len() >= NUMBER_BYTES {
            return Err(NumberError::NotANumber);
        }
        plain.push(if char == '\u{2212}' { '-' } else { char });
    }
    if plain.is_empty() {
        return Ok(None);
    }
    let plain = one_separator(&plain);
    let well_formed = plain
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    if !well_formed {
        return Err(NumberError::NotANumber);
    }
    let (mantissa, exponent) = split_exponent(&plain)?;
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    let whole = mantissa.split('.').next().unwrap_or_default();
    if whole.trim_start_matches(['-', '0']).len() > WHOLE_DIGITS {
        return Err(NumberError::Range);
    }
    let mantissa: Decimal = mantissa.parse().map_err(|_| NumberError::NotANumber)?;
    shifted(mantissa, exponent).map(Some)
}

/// A text without exponent and its exponent, 0 if there is none.
fn split_exponent(text: &str) -> Result<(&str, i32), NumberError> {
    match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => exponent
            .parse()
            .map(|exponent| (mantissa, exponent))
            .map_err(|_| NumberError::NotANumber),
        None => Ok((text, 0)),
    }
}

/// `mantissa · 10^exponent`.
fn shifted(mantissa: Decimal, exponent: i32) -> Result<Decimal, NumberError> {
    if exponent == 0 || mantissa.is_zero() {
        return Ok(mantissa);
    }
    let places = exponent.unsigned_abs();
    if places > Decimal::MAX_SCALE {
        let vanishes = exponent < 0;
        return if vanishes {
            Ok(Decimal::ZERO)
        } else {
            Err(NumberError::Range)
        };
    }
    let power = Decimal::from_i128_with_scale(10_i128.pow(places), 0);
    let result = if exponent > 0 {
        mantissa.checked_mul(power)
    } else {
        mantissa.checked_div(power)
    };
    result.ok_or(NumberError::Range)
}

/// Makes the decimal separator a dot and drops the other one.
fn one_separator(text: &str) -> String {
    match (text.rfind(','), text.rfind('.')) {
        (Some(comma), Some(dot)) if comma > dot => text.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => text.replace(',', ""),
        (Some(_), None) => text.replace(',', "."),
        (None, _) => text.to_owned(),
    }
}

/// Blanks of every kind, those that Unicode does not count as such included.
fn blank(char: char) -> bool {
    char.is_whitespace() || matches!(char, '\u{200B}' | '\u{2060}' | '\u{FEFF}')
}

/// A text that is neither true nor false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("не «да» и не «нет»")]
pub struct NotBoolean;

/// True or false; a blank text is `None`.
pub fn boolean(text: &str) -> Result<Option<bool>, NotBoolean> {
    let text = text.trim();
    let is = |words: [&str; 3]| words.iter().any(|word| same_word(text, word));
    match text {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        "" => Ok(None),
        _ if is(["true", "1", "да"]) => Ok(Some(true)),
        _ if is(["false", "0", "нет"]) => Ok(Some(false)),
        _ => Err(NotBoolean),
    }
}

/// Compares without regard to case.
fn same_word(text: &str, lower: &str) -> bool {
    text.chars().flat_map(char::to_lowercase).eq(lower.chars())
}

/// An id: trimmed; blank and longer than 255 characters are `None`.
pub fn id(text: &str) -> Option<&str> {
    let id = text.trim();
    (!id.is_empty() && fits_id(id)).then_some(id)
}

/// Whether an id is of a length that ids have.
pub(crate) fn fits_id(id: &str) -> bool {
    id.len() <= ID_CHARS || id.chars().count() <= ID_CHARS
}

/// A point in time as a file gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Date and time on the sender's clock; midnight if there was a date alone.
    pub local: NaiveDateTime,
    /// Minutes east of Greenwich, if given; else the account's own zone is meant.
    pub offset: Option<i32>,
    /// Whether there was a time.
    pub timed: bool,
}

/// A date with or without a time: `2024-01-08T15:47:02.082+03:00`, `2014-06-01T0:36:33`,
/// `2022-10-31UTC02:25:50`, `11.02.2021 18:45:21`, `2020-08-11`. `None` for what is none of these.
pub fn moment(text: &str) -> Option<Moment> {
    let mut rest = text.trim();
    let date = take_date(&mut rest)?;
    let separator = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    if separator.is_empty() {
        let local = date.and_time(NaiveTime::MIN);
        return Some(Moment {
            local,
            offset: None,
            timed: false,
        });
    }
    rest = separator;
    let time = take_time(&mut rest)?;
    Some(Moment {
        local: date.and_time(time),
        offset: take_offset(rest),
        timed: true,
    })
}

/// A time of day: `18:45:21`, `0:36`, with or without a fraction.
pub fn time(text: &str) -> Option<NaiveTime> {
    let mut rest = text.trim();
    take_time(&mut rest)
}

/// Takes the digits that `rest` begins with, at most `most`.
fn take_digits(rest: &mut &str, most: usize) -> Option<u32> {
    let length = rest
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    let (digits, after) = rest.split_at_checked(length)?;
    *rest = after;
    digits.parse().ok()
}

/// Takes one character that must be there.
fn take_char(rest: &mut &str, char: char) -> Option<()> {
    *rest = rest.strip_prefix(char)?;
    Some(())
}

/// `2024-01-08` or `08.01.2024`.
fn take_date(rest: &mut &str) -> Option<NaiveDate> {
    let first = take_digits(rest, 4)?;
    let separator = rest
        .chars()
        .next()
        .filter(|c| matches!(c, '-' | '.' | '/'))?;
    take_char(rest, separator)?;
    let month = take_digits(rest, 2)?;
    take_char(rest, separator)?;
    let last = take_digits(rest, 4)?;
    let (year, day) = if first > 31 {
        (first, last)
    } else {
        (last, first)
    };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// `15:47:02.082`; seconds and fraction may be missing.
fn take_time(rest: &mut &str) -> Option<NaiveTime> {
    let hour = take_digits(rest, 2)?;
    take_char(rest, ':')?;
    let minute = take_digits(rest, 2)?;
    let mut second = 0;
    if take_char(rest, ':').is_some() {
        second = take_digits(rest, 2)?;
    }
    let mut nanos = 0;
    if take_char(rest, '.').is_some() {
        let fraction = rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = rest.get(..fraction.min(9))?;
        nanos = format!("{digits:0<9}").parse().ok()?;
        *rest = rest.get(fraction..)?;
    }
    NaiveTime::from_hms_nano_opt(hour, minute, second, nanos)
}

/// `Z`, `+03:00`, `+0300`, `+03` in minutes; anything else is no offset.
fn take_offset(rest: &str) -> Option<i32> {
    let mut rest = rest.trim_start();
    if rest.starts_with(['Z', 'z']) {
        return Some(0);
    }
    let sign = match rest.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    rest = rest.get(1..)?;
    let hours = i32::try_from(take_digits(&mut rest, 2)?).ok()?;
    let _ = take_char(&mut rest, ':');
    let minutes = take_digits(&mut rest, 2).map_or(Some(0), |m| i32::try_from(m).ok())?;
    Some(sign * (hours * 60 + minutes))
}

/// A currency as three letters: numeric codes of ISO 4217 and Russian words are translated, what is
/// unknown stays as it is (§2.5). Blank is `None`.
pub fn currency(text: &str) -> Option<String> {
    let raw = text.trim();
    let code = match raw {
        "" => return None,
        "RUB" | "RUR" | "643" | "810" => "RUB",
        "840" => "USD",
        "978" => "EUR",
        "980" => "UAH",
        "933" | "974" => "BYN",
        "398" => "KZT",
        "156" => "CNY",
        "051" | "51" => "AMD",
        "417" => "KGS",
        "860" => "UZS",
        "972" => "TJS",
        "944" => "AZN",
        "981" => "GEL",
        "498" => "MDL",
        "949" => "TRY",
        "826" => "GBP",
        _ => return Some(worded_currency(raw)),
    };
    Some(code.to_owned())
}

/// A currency in words or in small letters.
fn worded_currency(raw: &str) -> String {
    let lower = raw.to_lowercase();
    match lower.trim_end_matches('.') {
        "руб" | "р" | "рубль" | "рублей" | "₽" | "rub" | "rur" => "RUB".to_owned(),
        "грн" | "uah" => "UAH".to_owned(),
        "тг" | "тенге" | "kzt" => "KZT".to_owned(),
        "$" | "usd" | "долл" => "USD".to_owned(),
        "€" | "eur" | "евро" => "EUR".to_owned(),
        "byn" | "byr" => "BYN".to_owned(),
        _ => raw.to_owned(),
    }
}

/// Drops what texts must not have: control characters (1C writes them into descriptions) and marks of
/// byte order; ends of lines become `\n` (XML §2.11).
pub(crate) fn clean(text: &mut String) {
    let suspect = |b: u8| (b < 0x20 && b != b'\n' && b != b'\t') || b == 0xEF;
    // To the end in any case: so it goes many bytes at a time.
    if !text.bytes().fold(false, |found, b| found | suspect(b)) {
        return;
    }
    if text.contains('\r') {
        *text = text.replace("\r\n", "\n").replace('\r', "\n");
    }
    text.retain(|c| c != '\u{FEFF}' && (c >= ' ' || c == '\n' || c == '\t'));
}
