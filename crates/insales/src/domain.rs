//! Which domains of shops are called.
//!
//! A merchant types the shop's address, and the key goes there with every request. So only the domains that
//! InSales gives (insales.md §1) are taken, and the shop's own one once the shop itself has named it.

/// Below these every shop of InSales has a domain.
const OF_INSALES: [&str; 2] = [".myinsales.ru", ".insales.ru"];

/// Why a shop's address is not taken. The texts are for the merchant who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Nothing, or what is no address.
    #[error("нужен адрес магазина вида example.myinsales.ru")]
    Form,
    /// The address with the key in it, as InSales shows it.
    #[error("нужен адрес без ключа: идентификатор и пароль вводятся в своих полях")]
    Key,
    /// A port.
    #[error("адрес магазина пишется без порта")]
    Port,
    /// Another domain than InSales gives.
    #[error(
        "нужен адрес магазина в InSales, вида example.myinsales.ru: свой домен магазина подойдёт, когда \
         InSales назовёт его при проверке"
    )]
    Foreign,
}

impl Wrong {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Form, Self::Key, Self::Port, Self::Foreign];
}

/// The domain in what was typed, as `https://Example.myinsales.ru/admin2/`; `own` is the shop's own one,
/// where the shop has named it.
///
/// # Errors
/// [`Wrong`].
pub fn typed(text: &str, own: Option<&str>) -> Result<String, Wrong> {
    let text = text.trim().to_lowercase();
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(&text);
    let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if server.contains('@') {
        return Err(Wrong::Key);
    }
    if has_port(server) {
        return Err(Wrong::Port);
    }
    if server.contains(':') {
        return Err(Wrong::Form);
    }
    let server = server.strip_suffix('.').unwrap_or(server);
    if !is_name(server) {
        return Err(Wrong::Form);
    }
    match allowed(server, own) {
        true => Ok(server.to_owned()),
        false => Err(Wrong::Foreign),
    }
}

/// Whether this is a name with a port; other colons are those of a scheme or an IPv6 address.
fn has_port(server: &str) -> bool {
    server.split_once(':').is_some_and(|(name, port)| {
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        digits && !name.is_empty()
    })
}

/// Whether a domain, written as [`typed`] does, is called.
#[must_use]
pub fn allowed(domain: &str, own: Option<&str>) -> bool {
    let plain = !domain.contains([':', '/', '?', '#']);
    let of_insales = OF_INSALES.iter().any(|end| domain.ends_with(end));
    is_name(domain) && plain && (of_insales || own == Some(domain))
}

/// Whether this is a public name of a server, no longer than DNS knows them (RFC 1035).
fn is_name(domain: &str) -> bool {
    let short = domain.len() <= 253 && domain.split('.').all(|label| label.len() <= 63);
    short && sklad_store::public(&format!("https://{domain}")).is_ok()
}

/// The own domain that a shop names (`main_host` of its `account`), where it is one that can be called.
#[must_use]
pub fn own(named: &str) -> Option<String> {
    let named = named.trim().to_lowercase();
    allowed(&named, Some(&named)).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_however_it_is_typed() {
        for text in [
            "shop.myinsales.ru",
            " Shop.MyInSales.ru. ",
            "https://shop.myinsales.ru/admin/",
            "http://shop.myinsales.ru",
            "https://shop.myinsales.ru?x=@#y",
        ] {
            assert_eq!(
                typed(text, None).as_deref(),
                Ok("shop.myinsales.ru"),
                "{text}"
            );
        }
        assert!(typed("shop-77.insales.ru", None).is_ok());
        assert!(typed(&format!("{}.myinsales.ru", "a".repeat(63)), None).is_ok());
        assert!(typed(&format!("{}myinsales.ru", "a.".repeat(120)), None).is_ok());
        assert_eq!(
            typed("https://Shop.ru/", Some("shop.ru")).as_deref(),
            Ok("shop.ru")
        );
    }

    #[test]
    fn no_other_server_gets_the_key() {
        for (text, wrong) in [
            ("", Wrong::Form),
            ("магазин", Wrong::Form),
            ("магазин.рф", Wrong::Form),
            ("a b.myinsales.ru", Wrong::Form),
            (".myinsales.ru", Wrong::Form),
            ("ftp://shop.myinsales.ru", Wrong::Form),
            ("https:/shop.myinsales.ru", Wrong::Form),
            ("http://https://shop.myinsales.ru", Wrong::Form),
            ("shop.myinsales.ru:", Wrong::Form),
            ("localhost", Wrong::Form),
            ("127.0.0.1", Wrong::Form),
            ("shop.local", Wrong::Form),
            ("http://key:pass@shop.myinsales.ru/admin/", Wrong::Key),
            ("shop.myinsales.ru@evil.ru", Wrong::Key),
            ("shop.myinsales.ru:8443", Wrong::Port),
            ("[::1]", Wrong::Form),
            ("[::1]:443", Wrong::Form),
            (&format!("{}.myinsales.ru", "a".repeat(64)), Wrong::Form),
            (&format!("{}myinsales.ru", "a.".repeat(121)), Wrong::Form),
            ("myinsales.ru", Wrong::Foreign),
            ("insales.ru", Wrong::Foreign),
            ("shopmyinsales.ru", Wrong::Foreign),
            ("shop.myinsales.ru.evil.ru", Wrong::Foreign),
            ("evil.ru/shop.myinsales.ru", Wrong::Foreign),
            ("evil.ru?.myinsales.ru", Wrong::Foreign),
            ("evil.ru\\.myinsales.ru", Wrong::Form),
            ("shop.ru", Wrong::Foreign),
        ] {
            assert_eq!(typed(text, Some("other.ru")), Err(wrong), "{text}");
        }
    }

    #[test]
    fn what_is_stored_is_looked_at_again() {
        assert!(allowed("a.myinsales.ru", None));
        assert!(allowed("shop.ru", Some("shop.ru")));
        for domain in [
            "shop.ru",
            "127.0.0.1",
            "a.myinsales.ru:1",
            "evil.ru/.myinsales.ru",
            "",
        ] {
            assert!(!allowed(domain, None), "{domain}");
            assert!(!allowed("127.0.0.1", Some("127.0.0.1")));
        }
        assert_eq!(own("Shop.ru").as_deref(), Some("shop.ru"));
        for domain in [
            "10.0.0.1",
            "localhost",
            "router.lan",
            "a.ru/x",
            "a.ru:80",
            "",
        ] {
            assert_eq!(own(domain), None, "{domain}");
        }
    }
}
