//! A shop for the tests of the exchange, and the bodies of requests.

use futures::executor::block_on;
use sklad_access::{GroupInput, NewEmployee, Right, employees, groups};
use sklad_store::native::MemoryKv;
use sklad_store::{Body, BrokenBody, Sql};
use sklad_tenant::{App, Config, ExchangeSettings, Settings, Slug, settings};

pub const TENANT: &str = "demo";
/// The password of every employee.
pub const PASSWORD: &str = "пароль-123";

/// A body that comes at once, and the length that its request names.
pub struct Bytes(pub Option<Vec<u8>>, pub Option<u64>);

impl Body for Bytes {
    fn length(&self) -> Option<u64> {
        self.1
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, BrokenBody> {
        Ok(self.0.take().filter(|bytes| !bytes.is_empty()))
    }
}

/// The application with a shop and the employees `one@x.ru` and `two@x.ru`, who may exchange.
pub fn shop<S: Sql>(sql: S, commerceml: ExchangeSettings, now: i64) -> App<S, MemoryKv> {
    let app = App::new(sql, MemoryKv::default(), Config::default());
    let shop = Settings {
        commerceml,
        name: "Кофейня".to_owned(),
        ..Settings::default()
    };
    let slug: Slug = TENANT.parse().unwrap();
    block_on(settings::create(&app.sql, &app.kv, &slug, shop, now)).unwrap();
    let group = GroupInput {
        name: "Обмен".to_owned(),
        rights: vec![Right::CommerceMlImport],
        members: None,
    };
    block_on(groups::create(&app.sql, TENANT, &group, now)).unwrap();
    for name in ["one", "two"] {
        let new = NewEmployee {
            email: format!("{name}@x.ru"),
            name: name.to_owned(),
            password: Some(PASSWORD.to_owned()),
            active: None,
            groups: vec!["Обмен".to_owned()],
        };
        block_on(employees::create(&app.sql, TENANT, &new, now)).unwrap();
    }
    app
}
