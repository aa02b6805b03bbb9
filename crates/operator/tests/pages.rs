//! What is written about the API agrees with the code.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::fs;
use std::path::PathBuf;

use sklad_access::{Refused, Right};
use sklad_jobs::journal::{ACTIONS, OUTCOMES};
use sklad_operator::routes::{Op, ROUTES};

/// A file of the repository.
fn file(path: &str) -> String {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

const MIB: u64 = 1024 * 1024;
const SECOND_MS: u64 = 1000;
const HOUR_MS: u64 = 60 * 60 * SECOND_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A constant: of how many of its units the page speaks as one, its file, its name.
type Constant = (u64, &'static str, &'static str);

/// The rows of the table of limits: what, the limit with `{}` for each constant, the constants.
const LIMITS: &[(&str, &str, &[Constant])] = &[
    (
        "body of a till's call",
        "{} MiB",
        &[(MIB, "crates/moysklad/src/loyalty/reply.rs", "BODY_LIMIT")],
    ),
    (
        "body of an operator's call",
        "{} MiB",
        &[(MIB, "crates/operator/src/routes.rs", "BODY_BYTES")],
    ),
    (
        "body of a batch of goods, categories or orders, or of a file of certificates",
        "{} MiB",
        &[(MIB, "crates/operator/src/routes.rs", "BATCH_BYTES")],
    ),
    (
        "positions of a receipt",
        "{}",
        &[(1, "crates/loyalty/src/quote/mod.rs", "MAX_LINES")],
    ),
    (
        "lines of a simulation",
        "{}",
        &[(1, "crates/operator/src/simulate.rs", "MAX_LINES")],
    ),
    (
        "items of a page",
        "{}, at most {}",
        &[
            (1, "crates/operator/src/page.rs", "DEFAULT_LIMIT"),
            (1, "crates/operator/src/page.rs", "MAX_LIMIT"),
        ],
    ),
    (
        "customers found by a search",
        "{}",
        &[(1, "crates/loyalty/src/customers/search.rs", "LIMIT")],
    ),
    (
        "least input of a search",
        "{} digits or {} letters",
        &[
            (1, "crates/loyalty/src/customers/search.rs", "MIN_DIGITS"),
            (1, "crates/loyalty/src/customers/search.rs", "MIN_LETTERS"),
        ],
    ),
    (
        "keys of a tenant that were issued by hand, at once",
        "{}",
        &[(1, "crates/tenant/src/keys.rs", "MAX_KEYS")],
    ),
    (
        "how long settings and keys are remembered",
        "{} s",
        &[(SECOND_MS, "crates/tenant/src/app.rs", "TENANT_TTL_MS")],
    ),
    (
        "how long it is remembered that there is no such key or tenant",
        "{} s",
        &[(SECOND_MS, "crates/tenant/src/app.rs", "NEGATIVE_TTL_MS")],
    ),
    (
        "settings with the programme",
        "{} bytes",
        &[(1, "crates/tenant/src/settings.rs", "MAX_SETTINGS_BYTES")],
    ),
    (
        "rules of one table of a programme",
        "{}",
        &[(1, "crates/loyalty/src/programme/validate.rs", "MAX_RULES")],
    ),
    (
        "tiers; steps of a discount by receipt",
        "{}; {}",
        &[
            (1, "crates/loyalty/src/programme/validate.rs", "MAX_TIERS"),
            (1, "crates/loyalty/src/programme/validate.rs", "MAX_STEPS"),
        ],
    ),
    (
        "length of `Idempotency-Key`",
        "{} bytes",
        &[(1, "crates/operator/src/context.rs", "MAX_IDEMPOTENCY_KEY")],
    ),
    (
        "points of one adjustment",
        "{}",
        &[(1, "crates/operator/src/ledger.rs", "MAX_POINTS")],
    ),
    (
        "reason of an adjustment",
        "{} characters",
        &[(1, "crates/operator/src/ledger.rs", "MAX_REASON_CHARS")],
    ),
    (
        "goods of a batch; categories of a batch",
        "{}; {}",
        &[
            (1, "crates/catalog/src/goods.rs", "MAX_BATCH"),
            (1, "crates/catalog/src/categories.rs", "MAX_BATCH"),
        ],
    ),
    (
        "categories of a tenant; depth of the tree",
        "{}; {}",
        &[
            (1, "crates/catalog/src/categories.rs", "MAX_CATEGORIES"),
            (1, "crates/catalog/src/categories.rs", "MAX_DEPTH"),
        ],
    ),
    (
        "changes of goods in a batch of an import",
        "{}",
        &[(1, "crates/catalog/src/import/mod.rs", "MAX_CHANGES")],
    ),
    (
        "goods that are archived at once after an import",
        "{}",
        &[(1, "crates/catalog/src/import/missing.rs", "PORTION")],
    ),
    (
        "description; barcodes, pictures of a good",
        "{} characters; {}, {}",
        &[
            (
                1,
                "crates/catalog/src/import/mod.rs",
                "MAX_DESCRIPTION_CHARS",
            ),
            (1, "crates/catalog/src/goods.rs", "MAX_BARCODES"),
            (1, "crates/catalog/src/import/mod.rs", "MAX_PICTURES"),
        ],
    ),
    (
        "variants that are told with their product",
        "{}",
        &[(1, "crates/catalog/src/query.rs", "MAX_PAGE")],
    ),
    (
        "piece of an uploaded file; staged bytes of a tenant",
        "{} MiB; {} MiB",
        &[
            (MIB, "crates/exchange/src/upload.rs", "MAX_BODY_BYTES"),
            (MIB, "crates/exchange/src/upload.rs", "QUOTA_BYTES"),
        ],
    ),
    (
        "files in an archive; bytes out of one byte of it",
        "{}; {}",
        &[
            (1, "crates/exchange/src/zip.rs", "MAX_ENTRIES"),
            (1, "crates/exchange/src/zip.rs", "MAX_RATIO"),
        ],
    ),
    (
        "files of a session of the exchange",
        "{}",
        &[(1, "crates/exchange/src/upload.rs", "MAX_FILES")],
    ),
    (
        "pieces that clients are asked to send",
        "{} bytes unless set, from {} to {}",
        &[
            (1, "crates/tenant/src/exchange.rs", "CHUNK_BYTES"),
            (1, "crates/tenant/src/exchange.rs", "MIN_CHUNK_BYTES"),
            (1, "crates/tenant/src/exchange.rs", "MAX_CHUNK_BYTES"),
        ],
    ),
    (
        "price types, and stores, that the settings of the exchange name",
        "{}",
        &[(1, "crates/tenant/src/exchange.rs", "MAX_NAMED")],
    ),
    (
        "session of the exchange at rest; at the most",
        "{} h; {} h",
        &[
            (HOUR_MS, "crates/exchange/src/session.rs", "IDLE_MS"),
            (HOUR_MS, "crates/exchange/src/session.rs", "LIFE_MS"),
        ],
    ),
    (
        "file that waits for its import; what is remembered of an import",
        "{} h; 7 days",
        &[(HOUR_MS, "crates/exchange/src/sweep.rs", "STAGED_MS")],
    ),
    (
        "work of the first request of an import; of every other one",
        "{} ms; {} s",
        &[
            (1, "crates/exchange/src/import/mod.rs", "FIRST_STEP_MS"),
            (SECOND_MS, "crates/exchange/src/import/mod.rs", "STEP_MS"),
        ],
    ),
    (
        "rest of an import whose host died",
        "{} s",
        &[(SECOND_MS, "crates/exchange/src/import/job.rs", "LEASE_MS")],
    ),
    (
        "goods that an import stores at once; bytes of the file for them",
        "{}; {} MiB",
        &[
            (1, "crates/exchange/src/import/run.rs", "BATCH"),
            (MIB, "crates/exchange/src/import/run.rs", "BATCH_BYTES"),
        ],
    ),
    (
        "losses of a worker at one place after which an import has failed",
        "{}",
        &[(1, "crates/exchange/src/import/job.rs", "MAX_LOSSES")],
    ),
    (
        "after which an uploaded file that nobody asked for is imported; how often it is looked",
        "{} s; {} s",
        &[
            (SECOND_MS, "crates/exchange/src/handle.rs", "ABANDONED_MS"),
            (SECOND_MS, "crates/exchange/src/import/mod.rs", "LOOK_MS"),
        ],
    ),
    (
        "picture",
        "{} MiB",
        &[(MIB, "crates/catalog/src/pictures.rs", "MAX_BYTES")],
    ),
    (
        "page of МойСклад; packed, unpacked",
        "{} rows; {} MiB, {} MiB (a page with more is asked for in smaller ones)",
        &[
            (1, "crates/moysklad/src/api/page.rs", "MAX_ROWS"),
            (MIB, "crates/moysklad/src/api/client.rs", "BODY_BYTES"),
            (MIB, "crates/moysklad/src/api/client.rs", "TEXT_BYTES"),
        ],
    ),
    (
        "stock of everything in one answer of МойСклад; packed, unpacked",
        "{} rows; {} MiB, {} MiB (more is asked for in portions of goods)",
        &[
            (1, "crates/moysklad/src/sync/whole.rs", "ROWS"),
            (MIB, "crates/moysklad/src/sync/whole.rs", "BODY_BYTES"),
            (MIB, "crates/moysklad/src/sync/whole.rs", "TEXT_BYTES"),
        ],
    ),
    (
        "requests to МойСклад of one user or solution",
        "{} units in 3 s; {} at once of an import",
        &[
            (1, "crates/moysklad/src/api/limits.rs", "UNITS"),
            (1, "crates/moysklad/src/sync/mod.rs", "LANES"),
        ],
    ),
    (
        "body of a webhook of МойСклад",
        "{} MiB",
        &[(MIB, "crates/moysklad/src/webhook/handle.rs", "BODY_LIMIT")],
    ),
    (
        "objects read with one request after webhooks; requests at once",
        "{}; {}",
        &[
            (1, "crates/moysklad/src/sync/changed.rs", "PORTION"),
            (1, "crates/moysklad/src/sync/changed.rs", "LANES"),
        ],
    ),
    (
        "picture from МойСклад",
        "{} MiB",
        &[(MIB, "crates/moysklad/src/api/session.rs", "FILE_BYTES")],
    ),
    (
        "orders of a batch; of a reply to 1C",
        "{}; {}",
        &[
            (1, "crates/orders/src/store.rs", "MAX_BATCH"),
            (1, "crates/orders/src/exchange.rs", "MAX_PENDING"),
        ],
    ),
    (
        "items of an order; its requisites",
        "{}; {}",
        &[
            (1, "crates/orders/src/check.rs", "MAX_ITEMS"),
            (1, "crates/orders/src/check.rs", "MAX_REQUISITES"),
        ],
    ),
    (
        "price or sum in an order",
        "{} ₽",
        &[(100, "crates/orders/src/check.rs", "MAX_KOPECKS")],
    ),
    (
        "reason of a cancellation",
        "{} characters",
        &[(1, "crates/orders/src/cancel.rs", "MAX_REASON_CHARS")],
    ),
    (
        "certificates of a batch; lines of a file",
        "{}; {}",
        &[
            (1, "crates/loyalty/src/giftcards/mod.rs", "MAX_BATCH"),
            (1, "crates/loyalty/src/giftcards/import.rs", "MAX_LINES"),
        ],
    ),
    (
        "face value of a certificate",
        "{} ₽",
        &[(100, "crates/loyalty/src/giftcards/mod.rs", "MAX_KOPECKS")],
    ),
    (
        "companies of a tenant; connections",
        "{}; {}",
        &[
            (1, "crates/connections/src/companies.rs", "MAX_COMPANIES"),
            (1, "crates/connections/src/connection.rs", "MAX_CONNECTIONS"),
        ],
    ),
    (
        "name of a company or connection",
        "{} characters",
        &[(1, "crates/connections/src/text.rs", "MAX_NAME_CHARS")],
    ),
    (
        "minutes between two imports of changes from InSales",
        "from {} to {}",
        &[
            (1, "crates/insales/src/settings.rs", "MIN_MINUTES"),
            (1, "crates/insales/src/settings.rs", "MAX_MINUTES"),
        ],
    ),
    (
        "an order that was sent to InSales is looked for after; may be sent again after",
        "{} s; {} s",
        &[
            (SECOND_MS, "crates/insales/src/orders/mod.rs", "LOOK_MS"),
            (SECOND_MS, "crates/insales/src/orders/mod.rs", "SETTLE_MS"),
        ],
    ),
    (
        "page of a list of a shop on InSales",
        "{} rows; {} MiB (a page with more, or one that takes the shop too long, is asked for in smaller ones)",
        &[
            (1, "crates/insales/src/api/page.rs", "MAX_ROWS"),
            (MIB, "crates/insales/src/api/client.rs", "BODY_BYTES"),
        ],
    ),
    (
        "goods of one transaction of an import from InSales",
        "{}",
        &[(1, "crates/insales/src/sync/goods.rs", "BATCH")],
    ),
    (
        "how young a change in a shop is read once more by the next run",
        "{} s",
        &[(SECOND_MS, "crates/insales/src/sync/cursor.rs", "SETTLE_MS")],
    ),
    (
        "body of a webhook of InSales; things in it",
        "{} MiB; {}",
        &[
            (MIB, "crates/insales/src/webhook/handle.rs", "BODY_LIMIT"),
            (1, "crates/insales/src/webhook/wire.rs", "MAX_ROWS"),
        ],
    ),
    (
        "how long a webhook about goods waits for others",
        "{} s",
        &[(
            SECOND_MS,
            "crates/insales/src/webhook/receive.rs",
            "GATHER_MS",
        )],
    ),
    (
        "picture from InSales; files in turn that do not come after which the rest is left",
        "{} MiB; {}",
        &[
            (MIB, "crates/insales/src/sync/images.rs", "FILE_BYTES"),
            (1, "crates/insales/src/sync/images.rs", "FAILURES"),
        ],
    ),
    (
        "how long a shop is asked within one call",
        "{} s",
        &[(SECOND_MS, "crates/operator/src/connections.rs", "ASK_MS")],
    ),
    (
        "employees of a tenant; groups of a tenant",
        "{}; {}",
        &[
            (1, "crates/access/src/employees.rs", "MAX_EMPLOYEES"),
            (1, "crates/access/src/groups.rs", "MAX_GROUPS"),
        ],
    ),
    (
        "name of an employee or a group",
        "{} characters",
        &[(1, "crates/access/src/employees.rs", "MAX_NAME_CHARS")],
    ),
    (
        "password of an employee",
        "{} to {} characters",
        &[
            (1, "crates/access/src/password.rs", "MIN_CHARS"),
            (1, "crates/access/src/password.rs", "MAX_CHARS"),
        ],
    ),
    (
        "failed logins with one e-mail; from one address",
        "{}; {} in {} minutes",
        &[
            (1, "crates/access/src/attempts.rs", "EMAIL_FAILURES"),
            (1, "crates/access/src/attempts.rs", "ADDRESS_FAILURES"),
            (60 * SECOND_MS, "crates/access/src/attempts.rs", "WINDOW_MS"),
        ],
    ),
    (
        "how long a verified password is remembered; of how many employees",
        "{} s; {}",
        &[
            (SECOND_MS, "crates/access/src/gate.rs", "CACHE_TTL_MS"),
            (1, "crates/access/src/gate.rs", "CACHE_ENTRIES"),
        ],
    ),
    (
        "failures of a job in a row; of a webhook, within days",
        "{}; {}, {}",
        &[
            (1, "crates/jobs/src/job.rs", "ATTEMPTS_MAX"),
            (1, "crates/jobs/src/inbox.rs", "ATTEMPTS_MAX"),
            (DAY_MS, "crates/jobs/src/inbox.rs", "AGE_MAX_MS"),
        ],
    ),
    (
        "failures of a job with a schedule after which it is told of",
        "{}",
        &[(1, "crates/jobs/src/job.rs", "PATIENCE")],
    ),
    (
        "wait after a failure; the longest, doubled with each",
        "{} s; {} min",
        &[
            (SECOND_MS, "crates/jobs/src/job.rs", "BACKOFF_MS"),
            (60 * SECOND_MS, "crates/jobs/src/job.rs", "BACKOFF_MAX_MS"),
        ],
    ),
    (
        "rest of a job whose host died; of a webhook",
        "{} s; {} s",
        &[
            (SECOND_MS, "crates/jobs/src/job.rs", "LEASE_MS"),
            (SECOND_MS, "crates/jobs/src/inbox.rs", "LEASE_MS"),
        ],
    ),
    (
        "step of a job; one that does not end is dropped",
        "{} s; {} s",
        &[
            (SECOND_MS, "crates/jobs/src/tick.rs", "SLICE_MS"),
            (SECOND_MS, "crates/jobs/src/tick.rs", "STEP_MAX_MS"),
        ],
    ),
    (
        "at work in one tick: jobs, inboxes, outboxes; jobs of a tenant",
        "{}, {}, {}; {}",
        &[
            (1, "crates/jobs/src/tick.rs", "JOBS_AT_ONCE"),
            (1, "crates/jobs/src/tick.rs", "INBOXES_AT_ONCE"),
            (1, "crates/jobs/src/tick.rs", "OUTBOXES_AT_ONCE"),
            (1, "crates/jobs/src/job.rs", "OF_ONE_TENANT"),
        ],
    ),
    (
        "budget of a tick",
        "{} s unless told, at most {} s",
        &[
            (SECOND_MS, "crates/sync/src/door.rs", "BUDGET_MS"),
            (SECOND_MS, "crates/sync/src/door.rs", "BUDGET_MAX_MS"),
        ],
    ),
    (
        "the journal is kept; what was handled or delivered; what stands still",
        "{} days; {} days; {} days",
        &[
            (DAY_MS, "crates/jobs/src/sweep.rs", "JOURNAL_MS"),
            (DAY_MS, "crates/jobs/src/sweep.rs", "DONE_MS"),
            (DAY_MS, "crates/jobs/src/sweep.rs", "DEAD_MS"),
        ],
    ),
    (
        "waiting for the database's write lock",
        "5 s, {} times",
        &[(1, "crates/edge/src/sql.rs", "BEGIN_ATTEMPTS")],
    ),
    (
        "connecting to a merchant's code gateway; its answer",
        "{} s; {} s",
        &[
            (SECOND_MS, "crates/store/src/http.rs", "GATEWAY_CONNECT_MS"),
            (SECOND_MS, "crates/store/src/http.rs", "GATEWAY_ANSWER_MS"),
        ],
    ),
    (
        "attempts to deliver a code",
        "{}",
        &[(1, "crates/jobs/src/outbox.rs", "ATTEMPTS_MAX")],
    ),
    (
        "solutions in МойСклад's marketplace",
        "{}",
        &[(1, "crates/tenant/src/moysklad.rs", "MAX_SOLUTIONS")],
    ),
    (
        "keys of a tenant that solutions have made, at once",
        "{}",
        &[(1, "crates/tenant/src/keys.rs", "MAX_SOLUTION_KEYS")],
    ),
    (
        "how long a key works whose successor МойСклад has confirmed",
        "{} s",
        &[(
            SECOND_MS,
            "crates/moysklad/src/vendor/life.rs",
            "KEY_GRACE_MS",
        )],
    ),
    (
        "attempts to tell МойСклад an address and a key",
        "{}",
        &[(1, "crates/moysklad/src/vendor/settle.rs", "MAX_ATTEMPTS")],
    ),
    (
        "life of a token of МойСклад; how far its clock may differ",
        "{} s; {} s",
        &[
            (1, "crates/moysklad/src/vendor/jwt.rs", "MAX_LIFE_S"),
            (1, "crates/moysklad/src/vendor/jwt.rs", "LEEWAY_S"),
        ],
    ),
    (
        "session of a user of МойСклад",
        "{} min",
        &[(
            60 * SECOND_MS,
            "crates/moysklad/src/vendor/users.rs",
            "LIFE_MS",
        )],
    ),
    (
        "least length of `operator_token` and `master_key`",
        "{} characters",
        &[(1, "crates/tenant/src/app.rs", "SECRET_MIN_CHARS")],
    ),
];

/// The value of `const NAME: T = …;`: a number, a product, or a power of two as a shift.
fn constant(path: &str, name: &str) -> u64 {
    let source = file(path);
    let begin = format!("const {name}: ");
    let line = source.lines().find(|line| {
        line.trim_start()
            .trim_start_matches("pub ")
            .starts_with(&begin)
    });
    let line = line.unwrap_or_else(|| panic!("{path} has no {name}"));
    let value = line.split_once('=').unwrap().1.trim().trim_end_matches(';');
    let number = |text: &str| text.trim().replace('_', "").parse::<u64>();
    match value.split_once("<<") {
        Some((one, bits)) => number(one).unwrap() << number(bits).unwrap(),
        None => value
            .split('*')
            .map(|factor| number(factor).unwrap())
            .product(),
    }
}

/// `1000000` as `1,000,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    groups
        .iter()
        .map(|g| std::str::from_utf8(g).unwrap())
        .collect::<Vec<_>>()
        .join(",")
}

/// The cells of the page's rows below the heading.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let section = page
        .split(heading)
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    })
    .collect()
}

#[test]
fn the_limits_of_the_page_are_those_of_the_code() {
    let page = file("docs/operator.md");
    let rows = rows(&page, "\n## Limits\n");
    let named: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(
        named,
        LIMITS.iter().map(|limit| limit.0).collect::<Vec<_>>()
    );
    for (row, (what, text, constants)) in rows.iter().zip(LIMITS) {
        let mut limit = (*text).to_owned();
        for (unit, path, name) in *constants {
            let value = constant(path, name);
            assert_eq!(
                value % unit,
                0,
                "{name} is no whole number of what the page says"
            );
            limit = limit.replacen("{}", &grouped(value / unit), 1);
            assert!(
                row[2].contains(name),
                "{what}: the page does not name {name}"
            );
        }
        assert_eq!(row[1], limit, "{what}");
    }
}

#[test]
fn every_action_of_the_journal_is_explained() {
    let page = file("docs/ru/zhurnal.md");
    let route = ROUTES
        .iter()
        .find(|route| route.op == Op::ListJournal)
        .unwrap();
    let about = |name: &str| route.query.iter().find(|(n, _)| *n == name).unwrap().1;
    let word = |text: &str, word: &str| {
        text.split(|c: char| !c.is_ascii_alphabetic())
            .any(|w| w == word)
    };
    for action in ACTIONS {
        assert!(page.contains(&format!("`{action}`")), "{action}");
        assert!(word(about("action"), action), "{action}");
    }
    for outcome in OUTCOMES {
        assert!(page.contains(&format!("`{outcome}`")), "{outcome}");
        assert!(word(about("outcome"), outcome), "{outcome}");
    }
}

#[test]
fn every_right_and_every_refusal_of_a_login_is_explained() {
    let (merchants, operators) = (file("docs/ru/sotrudniki.md"), file("docs/operator.md"));
    for right in Right::ALL {
        let row = format!("| «{}» | `{}` |", right.title(), right.as_str());
        assert!(merchants.contains(&row), "{row}");
        let row = format!("| `{}` |", right.as_str());
        assert!(operators.contains(&row), "{row}");
    }
    for refused in [
        Refused::Credentials,
        Refused::Blocked,
        Refused::NoRight(Right::CommerceMlImport),
        Refused::TooMany { retry_after_s: 300 },
        Refused::Sql(sklad_store::SqlError::Busy),
    ] {
        // The page shows a number as an ellipsis.
        let text = refused.to_string().replace('5', "…");
        let row = format!("| {text} |");
        assert!(merchants.contains(&row), "{row}");
    }
}
