//! Personal data in the journal is shortened to what lets a merchant recognise a customer.

/// A phone as `+7903***3344`: the first four digits and the last four.
#[must_use]
pub fn phone(digits: &str) -> String {
    let n = digits.chars().count();
    if n < 10 {
        return card(digits);
    }
    let head: String = digits.chars().take(4).collect();
    let tail: String = digits.chars().skip(n - 4).collect();
    format!("+{head}***{tail}")
}

/// A card number, or any other identifier, as `***6789`.
#[must_use]
pub fn card(number: &str) -> String {
    let n = number.chars().count();
    if n <= 4 {
        return "***".to_owned();
    }
    let tail: String = number.chars().skip(n - 4).collect();
    format!("***{tail}")
}

/// A name as `Иванов П. С.`: the first word whole, initials of the others. What is no word of a name
/// (a phone, a card, an address that stands in its place) is shortened as such.
#[must_use]
pub fn name(full: &str) -> String {
    let no_name = |w: &str| w.contains(|c: char| c.is_ascii_digit() || c == '@' || c == '+');
    if full.split_whitespace().any(no_name) {
        let digits: String = full.chars().filter(char::is_ascii_digit).collect();
        return if digits.len() >= 10 {
            phone(&digits)
        } else {
            card(full)
        };
    }
    let mut words = full.split_whitespace();
    let mut out = words.next().unwrap_or_default().to_owned();
    for initial in words.filter_map(|w| w.chars().next()) {
        out.push(' ');
        out.push(initial);
        out.push('.');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_does_not_identify() {
        assert_eq!(phone("79031234567"), "+7903***4567");
        assert_eq!(phone("123"), "***");
        assert_eq!(card("2000000012345"), "***2345");
        assert_eq!(name("Иванов Пётр Сергеевич"), "Иванов П. С.");
        assert_eq!(name(""), "");
        assert_eq!(name("+79150000005"), "+7915***0005");
        assert_eq!(name("ivan@mail.ru 89150000077 Иванов"), "+8915***0077");
        assert_eq!(name("ivan@mail.ru"), "***l.ru");
    }
}
