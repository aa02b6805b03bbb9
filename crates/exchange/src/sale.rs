//! Orders, out and in (commerceml §1.8). What was told counts as delivered when the client says
//! `success`, and only that: what changed in between is told again.

use sklad_commerceml::{Document, Item, Limits, Reader, Requisite, Step, value};
use sklad_connections::orders::{self, Words};
use sklad_jobs::journal::Outcome;
use sklad_orders::document::{self, Format, Info};
use sklad_orders::{Applied, Incoming, MAX_PENDING};
use sklad_store::{Clock, Kv, Sql, Statement};
use sklad_tenant::exchange::Encoding;

use crate::handle::{Call, record};
use crate::import::job::{self, State};
use crate::import::{self, Ended};
use crate::names::{self, FileKind};
use crate::upload::{self, Upload};
use crate::{Error, Reply, session, zip};

/// `ХозОперация` of an order, in small letters (§2.6).
const ORDER: &str = "заказ товара";
/// How many unknown orders or unread dates a row of the journal names.
const NAMED: usize = 5;
/// How much of a date that cannot be read is told, in characters.
const DATE_CHARS: usize = 30;
/// How long a file that has come waits for its archive to be unpacked further, in milliseconds.
const WAIT_MS: u32 = 50;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// 0001-01-01, 1C's empty date, in milliseconds since 1970.
const EMPTY_MS: i64 = -62_135_596_800_000;

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
    let pending: Vec<_> = pending.into_iter().map(|p| p.order).collect();
    let format = format(call).await?;
    let content_type = content_type(call.settings().order_encoding);
    Ok(Reply::Xml(document::write(&pending, &format), content_type))
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
/// that changed last, and those that the settings of connections speak of, which may come.
pub(crate) async fn info<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Reply, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let stored = sklad_orders::latest(sql, tenant).await?;
    let [mut statuses, mut payments, mut deliveries] = [const { Vec::new() }; 3];
    for order in stored.iter().map(|stored| &stored.order) {
        let status = order.status.as_ref();
        let status = status.map(|s| (s.id.as_str(), s.name.as_str()));
        let payment = order.payment.as_ref();
        let payment = payment.map(|m| (m.id.as_str(), m.name.as_str()));
        let delivery = order.delivery.as_ref();
        let delivery = delivery.map(|m| (m.id.as_str(), m.name.as_str()));
        let lists = [&mut statuses, &mut payments, &mut deliveries];
        for (list, entry) in lists.into_iter().zip([status, payment, delivery]) {
            list.extend(entry);
        }
    }
    let set = orders::vocabulary(sql, tenant).await?;
    statuses.extend(pairs(&set.statuses));
    payments.extend(pairs(&set.payments));
    deliveries.extend(pairs(&set.deliveries));
    let [statuses, payments, deliveries] = [statuses, payments, deliveries].map(listed);
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

fn pairs(words: &Words) -> impl Iterator<Item = (&str, &str)> {
    words.iter().map(|(id, name)| (id.as_str(), name.as_str()))
}

/// The entries of a list, an id and a name each: the first one of an id, which is that of the latest order.
/// What 1C has named without an id, and nobody with one, is its own id.
fn listed<'a>(entries: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    let mut list: Vec<(&str, &str)> = Vec::new();
    let named = |name: &str| entries.iter().any(|e| !e.0.is_empty() && e.1 == name);
    for (id, name) in entries.iter().copied() {
        let id = match id {
            "" if named(name) => continue,
            "" => name,
            id => id,
        };
        if !id.is_empty() && !list.iter().any(|known| known.0 == id) {
            list.push((id, name));
        }
    }
    list
}

/// Old clients never ask to import, so a file that is whole is read when it comes, and so is an archive.
pub(crate) async fn received<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    upload: &Upload,
    kind: FileKind,
) -> Result<Reply, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    if upload.taken {
        return Ok(Reply::success());
    }
    match kind {
        FileKind::Xml if import::is_whole(sql, tenant, &upload.id, upload.size).await? => {
            file(call, upload).await
        }
        FileKind::Zip if is_whole(call, upload).await? => {
            let until = call.clock.now_ms() + import::STEP_MS;
            loop {
                match import::unpacked(call).await? {
                    Ended::Done => return archive(call, upload).await,
                    Ended::Failed(text) => return Ok(Reply::Failure(text)),
                    // A large one waits for the import.
                    Ended::Progress(_) if call.clock.now_ms() >= until => break,
                    // Something else of this tenant's may be at work.
                    Ended::Progress(_) => call.clock.sleep(WAIT_MS).await,
                }
            }
            Ok(Reply::success())
        }
        _ => Ok(Reply::success()),
    }
}

async fn is_whole<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    archive: &Upload,
) -> Result<bool, Error> {
    let (sql, size) = (&call.app.sql, archive.size);
    let tail = upload::tail(sql, call.slug(), &archive.id, size, zip::TAIL_BYTES).await?;
    Ok(zip::is_whole(&tail, size))
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
    let Some(upload) = upload::find(&call.app.sql, call.place(&name)).await? else {
        return Ok(Reply::failure(format!("Файл {name} не загружен")));
    };
    match names::kind(&name) {
        Ok(FileKind::Zip) => archive(call, &upload).await,
        _ => file(call, &upload).await,
    }
}

/// Reads what an archive was unpacked to, all of it: a bad file does not keep back the others. The first
/// failure is the archive's.
async fn archive<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    archive: &Upload,
) -> Result<Reply, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let mut failure = None;
    for unpacked in upload::unpacked(sql, call.place(&archive.name), &archive.id).await? {
        if let Reply::Failure(text) = file(call, &unpacked).await? {
            failure.get_or_insert(text);
        }
    }
    if let Some(text) = failure {
        let now = call.clock.now_ms();
        let failed = job::failed(tenant, &archive.id, &text, now);
        sql.atomic(vec![failed]).await?;
    }
    ended(call, archive).await
}

/// Reads a file, once: what became of it is the answer whenever it is asked for.
async fn file<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    upload: &Upload,
) -> Result<Reply, Error> {
    if upload.taken {
        return ended(call, upload).await;
    }
    let error = match read(call, upload).await {
        Ok(()) => return Ok(Reply::success()),
        Err(error) if error.is_internal() => return Err(error),
        Err(error) => error,
    };
    let (name, tenant, now) = (&upload.name, call.slug(), call.clock.now_ms());
    let text = format!("{name}: {error}");
    let row = record(name, Outcome::Error, format!("Файл не загружен: {error}"));
    let session = &call.session;
    job::begun(&call.app.sql, tenant, upload, session, call.kind, now, now).await?;
    let batch = vec![
        job::failed(tenant, &upload.id, &text, now),
        upload::taken(tenant, &upload.id),
        row.statement(tenant, now),
    ];
    call.app.sql.atomic(batch).await?;
    Ok(Reply::Failure(text))
}

/// How a file did of which everything was read.
async fn ended<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    upload: &Upload,
) -> Result<Reply, Error> {
    let job = job::find(&call.app.sql, call.slug(), &upload.id).await?;
    Ok(match job {
        Some(job) if job.state == State::Failed => Reply::Failure(job.message),
        _ => Reply::success(),
    })
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
    let (mut incoming, mut unread, mut others) = (Vec::new(), Vec::new(), 0usize);
    loop {
        match reader.next()? {
            Step::Item(Item::Document(document)) if is_order(&document) => {
                incoming.push(said(&document, zone, &mut unread));
            }
            Step::Item(Item::Document(_)) => others += 1,
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
    batch.push(told(&upload.name, &applied, others, &unread).statement(tenant, now));
    sql.atomic(batch).await?;
    Ok(())
}

/// Whether a document is an order. A container of 3.1 holds its payments and shipments beside it (§2.6),
/// whose numbers are not those of orders; what an order needs of them stands in its own requisites.
fn is_order(document: &Document) -> bool {
    let operation = document.operation.as_deref().unwrap_or(ORDER);
    ["", ORDER].contains(&operation.trim().to_lowercase().as_str())
}

fn told(
    name: &str,
    applied: &Applied,
    others: usize,
    unread: &[String],
) -> sklad_jobs::journal::Record {
    let mut text = format!(
        "Заказы из учётной системы: изменено {}, без изменений {}",
        applied.changed, applied.unchanged
    );
    if others > 0 {
        text.push_str(&format!(", других документов {others}"));
    }
    let mut outcome = Outcome::Ok;
    if !applied.unknown.is_empty() {
        outcome = Outcome::Warning;
        let (count, first) = (applied.unknown.len(), first(&applied.unknown));
        text.push_str(&format!(", неизвестных {count}: {first}"));
    }
    if !unread.is_empty() {
        outcome = Outcome::Warning;
        let (count, first) = (unread.len(), first(unread));
        text.push_str(&format!(", непонятных дат {count}: {first}"));
    }
    record(name, outcome, text)
}

fn first(all: &[String]) -> String {
    let first: Vec<&str> = all.iter().take(NAMED).map(String::as_str).collect();
    first.join(", ")
}

/// What a document says of an order (§2.6). `zone` is minutes from UTC of times that name none. Dates that
/// cannot be read are left out, and are told with the order in `unread`.
fn said(document: &Document, zone: i32, unread: &mut Vec<String>) -> Incoming {
    let text = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| requisite(&document.requisites, name))
    };
    let flag = |names: &[&str]| text(names).and_then(|text| value::boolean(text).ok().flatten());
    let mut time = |text: Option<&str>| {
        let text = text?;
        let of = document.number.as_deref().or(document.id.as_deref());
        moment(text, zone).unwrap_or_else(|Unread| {
            let text: String = text.chars().take(DATE_CHARS).collect();
            unread.push(format!("{} «{text}»", of.unwrap_or_default()));
            None
        })
    };
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
        status_id: text(&["Статуса заказа ИД"]).map(str::to_owned),
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

/// A text that is no date of an order.
#[derive(Debug, PartialEq, Eq)]
struct Unread;

/// Milliseconds since 1970 UTC; `None` for the first day of the first year, which is how 1C writes that there
/// is no date. Of the years before 1970 no order is: what stands there was meant for another date.
fn moment(text: &str, zone: i32) -> Result<Option<i64>, Unread> {
    let moment = value::moment(text).ok_or(Unread)?;
    let local = moment.local.and_utc().timestamp_millis();
    if (EMPTY_MS..EMPTY_MS + DAY_MS).contains(&local) {
        return Ok(None);
    }
    let zone = moment.offset.unwrap_or(zone);
    let at = local - i64::from(zone) * MINUTE_MS;
    if at < 0 { Err(Unread) } else { Ok(Some(at)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_date_of_1c_is_no_date() {
        for empty in [
            "0001-01-01T00:00:00",
            "0001-01-01",
            "01.01.0001 0:00:00",
            "0001-01-01T00:00:00+03:00",
        ] {
            assert_eq!(moment(empty, 180), Ok(None), "{empty}");
        }
        for bad in ["31.31.2026", "вчера", "", "0001-01-02", "1969-12-31"] {
            assert_eq!(moment(bad, 180), Err(Unread), "{bad}");
        }
        assert_eq!(moment("1970-01-01T03:00:01", 180), Ok(Some(1_000)));
    }
}
