//! Files of pictures: of those that goods name and that are not here.

use bytes::Bytes;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sklad_catalog::pictures;
use sklad_store::{Call, Clock, Http, Reach, Sql, SqlError, Statement, Within};

use super::cursor::Cursor;
use super::{Place, TOLD, Went, Work};
use crate::api::session::Failure;

/// The largest file, in bytes.
pub const FILE_BYTES: usize = 5 * 1024 * 1024;
/// Where shops keep their files: these domains and what lies below them, beside the shop's own.
pub const ALLOWED: [&str; 3] = ["insales-cdn.com", "insales.ru", "myinsales.ru"];
/// How many addresses are looked up at once.
const PORTION: i64 = 50;
/// After so many files in turn that did not come the rest is left to the next run.
const FAILURES: u32 = 3;
/// What a file may cost.
const WITHIN: Within = Within {
    connect_ms: 5_000,
    answer_ms: 15_000,
    body_bytes: FILE_BYTES,
};
/// What cannot stand in an address.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\');

/// Fetches files, one after the other: each is held whole.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    if !work.place.settings.images {
        return Ok(Went::Through);
    }
    let mut failures = 0;
    loop {
        let todo = todo(work.ports.sql, work.place, &cursor.after).await?;
        if todo.is_empty() {
            return Ok(Went::Through);
        }
        for (name, url) in todo {
            let mut batch = Vec::new();
            match fetch(work, &name, &url).await? {
                Fetched::Here => {
                    (failures, cursor.totals.images) = (0, cursor.totals.images + 1);
                    batch.push(done(work.place, &name));
                }
                Fetched::Never(why) => {
                    batch.extend(never(work, cursor, &name, &why).await?);
                    batch.push(done(work.place, &name));
                }
                Fetched::Later => failures += 1,
            }
            if failures >= FAILURES {
                let text = "Изображения загружены не все: сервер файлов InSales не отвечает";
                batch.extend(work.warn(cursor, "", text));
                work.store(batch, cursor).await?;
                return Ok(Went::Through);
            }
            cursor.after = name;
            work.store(batch, cursor).await?;
            if work.is_over() {
                return Ok(Went::On);
            }
        }
    }
}

/// The statement that tells the merchant why a picture will not come: of the good that shows it, since its file
/// is nothing that he knows.
async fn never<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    name: &str,
    why: &str,
) -> Result<Option<Statement>, SqlError> {
    let statement = Statement::new(
        "SELECT external, name FROM goods WHERE tenant = ?1 AND source = ?2 AND instr(pictures, ?3) > 0 \
         ORDER BY parent IS NOT NULL, external LIMIT 1",
    );
    let statement = statement.bind(work.tenant()).bind(work.names.source());
    // No index has what is looked for; what is not told need not be found.
    let rows = match cursor.totals.warnings < TOLD {
        true => work.ports.sql.query(statement.bind(name)).await?,
        false => Vec::new(),
    };
    Ok(match rows.first() {
        Some(good) => {
            let text = format!(
                "Изображение товара «{}» не загружено: {why}",
                good.string(1)
            );
            work.warn(cursor, &good.string(0), &text)
        }
        None => work.warn(cursor, name, &format!("Изображение не загружено: {why}")),
    })
}

/// Pictures that are to be fetched, behind this name.
async fn todo(
    sql: &impl Sql,
    place: Place<'_>,
    after: &str,
) -> Result<Vec<(String, String)>, SqlError> {
    let statement = Statement::new(
        "SELECT name, url FROM insales_pictures WHERE tenant = ?1 AND connection = ?2 AND name > ?3 \
         ORDER BY name LIMIT ?4",
    )
    .bind(place.tenant)
    .bind(place.connection)
    .bind(after)
    .bind(PORTION);
    let rows = sql.query(statement).await?;
    Ok(rows
        .iter()
        .map(|row| (row.string(0), row.string(1)))
        .collect())
}

/// The statement by which a picture is fetched no more.
fn done(place: Place<'_>, name: &str) -> Statement {
    Statement::new(
        "DELETE FROM insales_pictures WHERE tenant = ?1 AND connection = ?2 AND name = ?3",
    )
    .bind(place.tenant)
    .bind(place.connection)
    .bind(name)
}

/// What became of a file.
enum Fetched {
    /// It is stored.
    Here,
    /// It will not come; the text says why.
    Never(String),
    /// Perhaps another time.
    Later,
}

async fn fetch<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    name: &str,
    url: &str,
) -> Result<Fetched, Failure> {
    let call = call(work.place, url);
    let Some(call) = call.filter(|call| call.check().is_ok()) else {
        let why = "адрес не на сервере InSales".to_owned();
        return Ok(Fetched::Never(why));
    };
    let answer = match work.ports.http.send(call).await {
        Ok(answer) => answer,
        Err(sklad_store::HttpError::TooLarge) => {
            return Ok(Fetched::Never("файл слишком велик".to_owned()));
        }
        Err(_) => return Ok(Fetched::Later),
    };
    match answer.status().as_u16() {
        200 => {}
        429 | 500.. => return Ok(Fetched::Later),
        status => return Ok(Fetched::Never(format!("код {status}"))),
    }
    let (sql, tenant) = (work.ports.sql, work.tenant());
    let now = work.ports.clock.now_ms();
    match pictures::store(sql, tenant, name, answer.into_body().into(), now).await {
        Ok(_) => Ok(Fetched::Here),
        Err(sklad_catalog::Error::Sql(error)) => Err(error.into()),
        Err(sklad_catalog::Error::Invalid { message, .. }) => Ok(Fetched::Never(message)),
    }
}

/// The request for a file; nothing for an address that is not to be called.
fn call(place: Place<'_>, url: &str) -> Option<Call> {
    let url = utf8_percent_encode(url.trim(), UNSAFE).to_string();
    let (url, reach) = match place.gateway {
        Some(origin) if is_at(&url, origin) => (url, Reach::Origin(origin.to_owned())),
        _ => (secure(&url, &place.access.shop)?, Reach::Public),
    };
    let request = http::Request::get(url).body(Bytes::new()).ok()?;
    Some(Call {
        request,
        reach,
        within: WITHIN,
    })
}

fn is_at(url: &str, origin: &str) -> bool {
    let rest = url.strip_prefix(origin);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// The address with https, where it is on one of InSales's servers or the shop's.
fn secure(url: &str, shop: &str) -> Option<String> {
    let known = ["https://", "http://", "//"];
    let rest = known
        .into_iter()
        .find_map(|start| url.strip_prefix(start))?;
    let host = rest.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let below = |domain: &&str| {
        let before = host.strip_suffix(*domain);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    let allowed = host == shop || ALLOWED.iter().any(below);
    allowed.then(|| format!("https://{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_fetched_from_servers_of_insales_alone_and_over_https() {
        let shop = "tea.example.ru";
        let yes = [
            (
                "https://static.insales-cdn.com/a.jpg",
                "https://static.insales-cdn.com/a.jpg",
            ),
            (
                "http://static12.insales.ru/a.jpg?1",
                "https://static12.insales.ru/a.jpg?1",
            ),
            ("//a.myinsales.ru/a.jpg", "https://a.myinsales.ru/a.jpg"),
            (
                "https://tea.example.ru/a.jpg",
                "https://tea.example.ru/a.jpg",
            ),
        ];
        for (url, expected) in yes {
            assert_eq!(secure(url, shop).as_deref(), Some(expected));
        }
        for url in [
            "https://127.0.0.1/a.jpg",
            "https://evil.ru/a.jpg",
            "https://notinsales.ru/a.jpg",
            "https://insales.ru.evil.ru/a.jpg",
            "https://insales.ru@evil.ru/a.jpg",
            "https://insales.ru:8443/a.jpg",
            "https://evil.ru#.insales.ru",
            "ftp://insales.ru/a.jpg",
            "/a.jpg",
            "",
        ] {
            assert_eq!(secure(url, shop), None, "{url}");
        }
    }

    #[test]
    fn an_address_in_russian_is_escaped() {
        let access = crate::api::Access {
            shop: "a.myinsales.ru".into(),
            key_id: String::new(),
            password: String::new(),
        };
        let settings = crate::settings::CatalogueSettings::default();
        let place = Place {
            tenant: "kofe",
            connection: "c",
            settings: &settings,
            access: &access,
            gateway: Some("http://127.0.0.1:4002"),
        };
        let of = |url: &str| call(place, url).map(|call| call.request.uri().to_string());
        let chai = "https://static.insales-cdn.com/чай 1.jpg";
        let escaped = "https://static.insales-cdn.com/%D1%87%D0%B0%D0%B9%201.jpg";
        assert_eq!(of(chai).as_deref(), Some(escaped));
        let test = "http://127.0.0.1:4002/a.myinsales.ru/files/1.png";
        assert_eq!(of(test).as_deref(), Some(test));
        assert_eq!(of("http://127.0.0.1:4003/1.png"), None);
    }
}
