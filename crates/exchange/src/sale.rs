//! Orders, out and in (commerceml §1.8). What was told counts as delivered when the client says
//! `success`, and only that: what changed in between is told again.

use sklad_commerceml::{Document, Item, Limits, Reader, Requisite, Step, value};
use sklad_jobs::journal::Outcome;
use sklad_orders::document::{self, Format, Info};
use sklad_orders::{Applied, Incoming, MAX_PAGE, MAX_PENDING, Sort};
use sklad_store::{Clock, Kv, Sql, Statement};
use sklad_tenant::exchange::Encoding;

use crate::handle::{Call, record};
use crate::import::{self, Ended};
use crate::upload::{self, Upload};
use crate::{Error, Reply, names, session};

/// How many unknown orders a row of the journal names.
const NAMED: usize = 5;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// Tells the orders that the client has yet to hear of, and remembers which.
pub(crate) async fn query<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Reply, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let pending = sklad_orders::pending(sql, tenant, MAX_PENDING).await?;
    let told: Vec<_> = pending.iter().map(|p| (&p.order.id, p.change)).collect();
    let told = serde_json::to_string(&told).unwrap_or_default();
    sql.atomic(vec![session::told(tenant, &call.session.id, &told)])
        .await?;
    let orders: Vec<_> = pending.into_iter().map(|p| p.order).collect();
    let format = format(call).await?;
    let content_type = content_type(call.settings().order_encoding);
    Ok(Reply::Xml(document::write(&orders, &format), content_type))
}

async fn format<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<Format, Error> {
    let settings = call.settings();
    let version = session::version(&call.app.sql, call.slug(), &call.session.id).await?;
    let version = document::version(Some(version.as_str()).filter(|v| !v.is_empty()));
    let now = call.clock.now_ms();
    let zone = call.tenant.settings.timezone_minutes;
    let usual = Format::new(version, encoding(settings.order_encoding), now, zone);
    Ok(Format {
        container: usual.container || settings.order_container,
        full_ids: settings.order_full_ids,
        ..usual
    })
}

fn encoding(encoding: Encoding) -> document::Encoding {
    match encoding {
        Encoding::Utf8 => document::Encoding::Utf8,
        Encoding::Utf8Bom => document::Encoding::Utf8Bom,
        Encoding::Windows1251 => document::Encoding::Windows1251,
    }
}

fn content_type(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Windows1251 => "application/xml; charset=windows-1251",
        _ => "application/xml; charset=utf-8",
    }
}

/// The version that both know, which is remembered for the session (§1.10).
pub(crate) async fn version<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    theirs: &str,
) -> Result<String, Error> {
    let agreed = document::version(Some(theirs)).to_owned();
    let remember = session::agreed(call.slug(), &call.session.id, &agreed);
    call.app.sql.atomic(vec![remember]).await?;
    Ok(agreed)
}

/// The client has stored what it was told last.
pub(crate) async fn success<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Reply, Error> {
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    let told = session::orders(sql, tenant, &call.session.id).await?;
    let told: Vec<(String, i64)> = serde_json::from_str(&told).unwrap_or_default();
    if told.is_empty() {
        return Ok(Reply::success());
    }
    let heard: Vec<_> = told
        .iter()
        .map(|(id, change)| (id.as_str(), *change))
        .collect();
    let text = format!("Передано заказов: {}", heard.len());
    let batch = vec![
        sklad_orders::confirm(tenant, &heard),
        session::told(tenant, &call.session.id, "[]"),
        record("", Outcome::Ok, text).statement(tenant, now),
    ];
    sql.atomic(batch).await?;
    Ok(Reply::success())
}

/// What a client may need to know beforehand: the statuses, ways to pay and ways to deliver of the orders
/// that changed last.
pub(crate) async fn info<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Reply, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let stored = sklad_orders::list(sql, tenant, Sort::Change, None, MAX_PAGE).await?;
    let [mut statuses, mut payments, mut deliveries] = [const { Vec::new() }; 3];
    for order in stored.iter().map(|stored| &stored.order) {
        let status = order
            .status
            .as_ref()
            .map(|s| (s.id.as_str(), s.name.as_str()));
        let payment = order
            .payment
            .as_ref()
            .map(|m| (m.id.as_str(), m.name.as_str()));
        let delivery = order
            .delivery
            .as_ref()
            .map(|m| (m.id.as_str(), m.name.as_str()));
        let lists = [&mut statuses, &mut payments, &mut deliveries];
        for (list, entry) in lists.into_iter().zip([status, payment, delivery]) {
            list.extend(entry.filter(|entry| !list.contains(entry)));
        }
    }
    let info = Info {
        statuses: &statuses,
        payments: &payments,
        deliveries: &deliveries,
    };
    let told = call.settings().order_encoding;
    Ok(Reply::Xml(
        document::info(&info, encoding(told)),
        content_type(told),
    ))
}

/// Old clients never ask to import, so a file that is whole is read when it comes.
pub(crate) async fn received<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    upload: &Upload,
) -> Result<Reply, Error> {
    if upload.taken {
        return Ok(Reply::success());
    }
    if import::is_whole(&call.app.sql, call.slug(), &upload.id, upload.size).await? {
        read(call, upload).await?;
    }
    Ok(Reply::success())
}

/// `mode=import` of orders; of an archive, all files in it.
pub(crate) async fn import<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Reply, Error> {
    let name = names::sanitised(&call.query.filename)?;
    match import::unpacked(call).await? {
        Ended::Done => {}
        Ended::Progress(text) => return Ok(Reply::Progress(text)),
        Ended::Failed(text) => return Ok(Reply::Failure(text)),
    }
    let sql = &call.app.sql;
    let Some(upload) = upload::find(sql, call.place(&name)).await? else {
        return Ok(Reply::failure(format!("Файл {name} не загружен")));
    };
    if names::kind(&name) == Ok(names::FileKind::Zip) {
        let files = upload::waiting(sql, call.slug(), &call.session.id, call.kind, "xml").await?;
        for file in files {
            read(call, &file).await?;
        }
    } else if !upload.taken {
        read(call, &upload).await?;
    }
    Ok(Reply::success())
}

/// Reads a file of documents and writes down what they say. A file that breaks off somewhere is refused
/// as a whole: nothing of it is written.
async fn read<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    upload: &Upload,
) -> Result<(), Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let zone = call.tenant.settings.timezone_minutes;
    let mut reader = Reader::new(Limits::default());
    let mut incoming = Vec::new();
    loop {
        match reader.next()? {
            Step::Item(Item::Document(document)) => incoming.push(said(&document, zone)),
            Step::Item(_) => {}
            Step::More => {
                let bytes = upload::read(sql, tenant, &upload.id, reader.offset()).await?;
                if bytes.is_empty() {
                    reader.finish();
                } else {
                    reader.push(&bytes);
                }
            }
            Step::End => break,
        }
    }
    let now = call.clock.now_ms();
    let applied = sklad_orders::apply(sql, tenant, &incoming, now).await?;
    let mut batch: Vec<Statement> = vec![upload::taken(tenant, &upload.id)];
    batch.push(told(&upload.name, &applied).statement(tenant, now));
    sql.atomic(batch).await?;
    Ok(())
}

fn told(name: &str, applied: &Applied) -> sklad_jobs::journal::Record {
    let mut text = format!(
        "Заказы из учётной системы: изменено {}, без изменений {}",
        applied.changed, applied.unchanged
    );
    let mut outcome = Outcome::Ok;
    if !applied.unknown.is_empty() {
        outcome = Outcome::Warning;
        let first: Vec<&str> = applied
            .unknown
            .iter()
            .take(NAMED)
            .map(String::as_str)
            .collect();
        text.push_str(&format!(
            ", неизвестных {}: {}",
            applied.unknown.len(),
            first.join(", ")
        ));
    }
    record(name, outcome, text)
}

/// What a document says of an order (§2.6). `zone` is minutes from UTC of times that name none.
fn said(document: &Document, zone: i32) -> Incoming {
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| requisite(&document.requisites, name))
    };
    let flag = |names: &[&str]| text(names).and_then(|text| value::boolean(text).ok().flatten());
    let time = |text: Option<&str>| text.and_then(|text| moment(text, zone));
    Incoming {
        id: document.id.clone(),
        number: document.number.clone(),
        number_1c: document
            .number_1c
            .clone()
            .or_else(|| text(&["Номер по 1С"]).map(str::to_owned)),
        date_1c: time(
            document
                .date_1c
                .as_deref()
                .or_else(|| text(&["Дата по 1С"])),
        ),
        status: text(&["Статус заказа", "СтатусЗаказа"]).map(str::to_owned),
        paid_at: time(text(&["Дата оплаты по 1С"])),
        shipped_at: time(text(&["Дата отгрузки по 1С"])),
        cancelled: flag(&["Отменен"]),
        deleted: document.deleted.or_else(|| flag(&["ПометкаУдаления"])),
        posted: flag(&["Проведен"]),
        sum: document.kopecks(),
    }
}

fn requisite<'a>(requisites: &'a [Requisite], name: &str) -> Option<&'a str> {
    let found = requisites
        .iter()
        .find(|r| r.name.as_deref() == Some(name))?;
    let value = found.values.first().map(String::as_str)?;
    Some(value).filter(|text| !text.is_empty())
}

/// Milliseconds since 1970 UTC.
fn moment(text: &str, zone: i32) -> Option<i64> {
    let moment = value::moment(text)?;
    let zone = moment.offset.unwrap_or(zone);
    let local = moment.local.and_utc().timestamp_millis();
    Some(local - i64::from(zone) * MINUTE_MS)
}
