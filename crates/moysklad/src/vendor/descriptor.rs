//! The descriptor of the solution for the developer's cabinet (moysklad-loyalty.md §6.6, XSD v2). Pure.

/// What a solution is to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everything that an administrator of the account may do.
    Admin,
    /// What is needed, and no more.
    Custom,
}

/// Where МойСклад's JSON API is, as descriptors name it.
const RESOURCE: &str = "https://api.moysklad.ru/api/remap/1.2";
/// The page that is the solution's main window, below the deployment's address.
pub const PAGE: &str = "/cabinet/moysklad";

/// What may be read: goods and folders, counterparties, points of sale, stores, organisations, and the
/// documents whose changes are told by webhooks.
const VIEWED: [&str; 14] = [
    "good",
    "company",
    "retailStore",
    "warehouse",
    "myCompany",
    "uom",
    "demand",
    "salesReturn",
    "paymentIn",
    "cashIn",
    "retailDemand",
    "retailSalesReturn",
    "retailShift",
    "employee",
];
/// What may also be made and changed: orders of the shop.
const CHANGED: [&str; 1] = ["customerOrder"];

/// An address that cannot be in a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// МойСклад calls over TLS alone.
    #[error("the public address must begin with https://")]
    NotHttps,
    /// It is no address of a server.
    #[error("the public address must be https://host[:port] without a path")]
    NoOrigin,
}

/// The descriptor of a deployment that is reached at `public_url`.
///
/// The user's context comes both ways: by the key in the page's address, and by a token.
///
/// # Errors
/// [`Unfit`].
pub fn descriptor(public_url: &str, access: Access) -> Result<String, Unfit> {
    let url = public_url.trim();
    let url = url.strip_suffix('/').unwrap_or(url);
    let host = url.strip_prefix("https://").ok_or(Unfit::NotHttps)?;
    let written = |b: u8| b.is_ascii_alphanumeric() || b"-._:".contains(&b);
    if host.is_empty() || !host.bytes().all(written) {
        return Err(Unfit::NoOrigin);
    }
    let access = scope(access);
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<ServerApplication xmlns="https://apps-api.moysklad.ru/xml/ns/appstore/app/v2"
                   xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
                   xsi:schemaLocation="https://apps-api.moysklad.ru/xml/ns/appstore/app/v2 https://apps-api.moysklad.ru/xml/ns/appstore/app/v2/application-v2.xsd">
  <iframes>
    <iframe type="main" sourceUrl="{url}{PAGE}">
      <uses>
        <user-context/>
      </uses>
    </iframe>
  </iframes>
  <vendorApi>
    <endpointBase>{url}</endpointBase>
    <additionalEvents>
      <updatePermissions/>
    </additionalEvents>
  </vendorApi>
  <access>
    <resource>{RESOURCE}</resource>
{access}  </access>
  <loyaltyApi/>
</ServerApplication>
"#
    ))
}

fn scope(access: Access) -> String {
    if access == Access::Admin {
        return "    <scope>admin</scope>\n".to_owned();
    }
    let mut text = String::from("    <scope>custom</scope>\n    <permissions>\n");
    for flag in ["viewStockReport", "useOwnWebhooks"] {
        text.push_str(&format!("      <{flag}/>\n"));
    }
    for name in VIEWED {
        text.push_str(&format!(
            "      <{name}>\n        <view/>\n      </{name}>\n"
        ));
    }
    for name in CHANGED {
        text.push_str(&format!(
            "      <{name}>\n        <view/>\n        <create/>\n        <update/>\n      </{name}>\n"
        ));
    }
    text.push_str("    </permissions>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opening and closing tags fit each other; answers the paths of all elements.
    fn elements(xml: &str) -> Vec<String> {
        let (mut open, mut all): (Vec<&str>, Vec<String>) = (Vec::new(), Vec::new());
        for tag in xml.split('<').skip(1).filter(|t| !t.starts_with('?')) {
            let inside = tag.split('>').next().unwrap();
            let name = inside.trim_matches('/').split_whitespace().next().unwrap();
            if inside.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
                continue;
            }
            all.push([open.join("/"), name.to_owned()].join("/"));
            if !inside.ends_with('/') {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
        all
    }

    #[test]
    fn everything_that_the_solution_needs_is_declared() {
        let xml = descriptor("https://sklad.example/", Access::Custom).unwrap();
        let found = elements(&xml);
        for wanted in [
            "ServerApplication/iframes/iframe/uses/user-context",
            "ServerApplication/vendorApi/endpointBase",
            "ServerApplication/vendorApi/additionalEvents/updatePermissions",
            "ServerApplication/access/permissions/useOwnWebhooks",
            "ServerApplication/access/permissions/good/view",
            "ServerApplication/access/permissions/company/view",
            "ServerApplication/access/permissions/retailStore/view",
            "ServerApplication/loyaltyApi",
        ] {
            assert!(found.iter().any(|path| path == wanted), "{wanted}");
        }
        assert!(xml.contains("<endpointBase>https://sklad.example</endpointBase>"));
        assert!(xml.contains(r#"type="main" sourceUrl="https://sklad.example/cabinet/moysklad""#));
        assert!(xml.contains("<scope>custom</scope>"));
    }

    #[test]
    fn an_administrators_access_lists_no_permissions() {
        let xml = descriptor("https://sklad.example:8443", Access::Admin).unwrap();
        let found = elements(&xml);
        assert!(found.iter().all(|path| !path.contains("permissions")));
        assert!(xml.contains("<scope>admin</scope>"));
    }

    #[test]
    fn what_moysklad_would_not_call_is_refused() {
        assert_eq!(
            descriptor("http://a.ru", Access::Admin),
            Err(Unfit::NotHttps)
        );
        for bad in [
            "https:///",
            "https://a.ru/x",
            "https://a.ru?<",
            "https://a b.ru",
            "https://a\"b",
        ] {
            assert_eq!(
                descriptor(bad, Access::Admin),
                Err(Unfit::NoOrigin),
                "{bad}"
            );
        }
    }
}
