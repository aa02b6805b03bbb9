//! Texts as they come and as they are compared.

/// The longest e-mail, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;

/// An e-mail as it is stored and looked for: without space around it, lower case. `None` for what is
/// no e-mail. A colon cannot be in it, since HTTP's Basic scheme ends the login with one.
pub fn email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (name, domain) = email.split_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | ',' | ';');
    let good = !name.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !email.contains(odd)
        && email.len() <= MAX_EMAIL_BYTES;
    good.then_some(email)
}

/// A name as it is shown: no control characters, single spaces, none at the ends.
pub fn tidy(name: &str) -> String {
    let plain = name.replace(char::is_control, " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_email_has_one_form() {
        assert_eq!(email(" Ivan@Shop.RU\n").as_deref(), Some("ivan@shop.ru"));
        assert_eq!(
            email("касса@магазин.рф").as_deref(),
            Some("касса@магазин.рф")
        );
        let long = format!("{}@b.ru", "a".repeat(MAX_EMAIL_BYTES));
        for bad in [
            "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a:b@c", "a\0@b", &long,
        ] {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn an_email_is_its_own_form(text in "[ A-Яё@.:]{0,12}@[a-zI.]{1,5}") {
            if let Some(first) = email(&text) {
                prop_assert_eq!(email(&first), Some(first.clone()));
            }
        }

        #[test]
        fn a_tidy_name_is_tidy(name in ".{0,40}") {
            prop_assert_eq!(tidy(&tidy(&name)), tidy(&name));
        }
    }
}
