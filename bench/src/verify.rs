//! That what is measured is the work: the answers are right, equal on both sides, and every sale
//! that was answered is in the database.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use futures::executor::block_on;
use serde_json::Value;
use sklad_loyalty::ledger;
use sklad_store::native::NativeSql;
use sklad_store::{Sql as _, Statement};

use crate::seed::DATABASE;
use crate::shop;
use crate::till::{Call, Operation};

/// Calls of each operation that are looked at.
const CALLS: u64 = 8;
/// Customers that are recomputed at once.
const PAGE: usize = 5_000;

/// Compares the answers of the host and of the native program.
pub fn answers(host: &str, twin: &str, key: &str) -> Result<()> {
    for call in Operation::Empty.calls(1) {
        ask(host, &call, key)?;
    }
    for operation in [
        Operation::Search,
        Operation::Recalc(10),
        Operation::Recalc(500),
    ] {
        for call in operation.calls(CALLS) {
            let (ours, theirs) = (ask(host, &call, key)?, ask(twin, &call, key)?);
            ensure!(ours == theirs, "{}: {ours} is not {theirs}", call.path);
            sensible(operation, &ours).with_context(|| format!("{}: {ours}", call.path))?;
        }
    }
    for call in Operation::Sale.calls(CALLS) {
        ask(host, &call, key)?;
        ask(twin, &call, key)?;
    }
    Ok(())
}

/// Whether something was found, or something can be spent.
fn sensible(operation: Operation, answer: &Value) -> Result<()> {
    let pointer = match operation {
        Operation::Search => "/rows/0/id",
        _ => "/bonusProgram/bonusValueToSpend",
    };
    let value = answer.pointer(pointer).context("nothing there")?;
    ensure!(
        value.is_string() || value.as_f64().is_some_and(|n| n > 0.0),
        "nothing to spend"
    );
    Ok(())
}

fn ask(url: &str, call: &Call, key: &str) -> Result<Value> {
    let body = call.numbered("000000000000").body;
    let request = http::Request::builder()
        .method(call.method)
        .uri(format!("{url}{}", call.path))
        .header("lognex-discount-api-auth-token", key)
        .header("content-type", "application/json")
        .body(body)?;
    let answer = ureq::run(request).with_context(|| call.path.clone())?;
    let text = answer.into_body().read_to_string()?;
    Ok(if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text)?
    })
}

/// Whether at least so many sales are in the database beyond the seeded ones, and all balances agree.
pub fn sales(state: &Path, before: u64, answered: u64) -> Result<()> {
    let sql = NativeSql::open(&state.join(DATABASE))?;
    let kept = count_sales(state)?.saturating_sub(before);
    ensure!(
        kept >= answered,
        "{answered} sales were answered, {kept} are kept"
    );
    let mut after = Some(String::new());
    while let Some(from) = after {
        let (wrong, _, next) = block_on(ledger::check(&sql, shop::TENANT, &from, PAGE))?;
        ensure!(wrong.is_empty(), "balances differ: {wrong:?}");
        after = next;
    }
    Ok(())
}

/// How many sales a database holds.
pub fn count_sales(state: &Path) -> Result<u64> {
    let sql = NativeSql::open(&state.join(DATABASE))?;
    let statement =
        Statement::new("SELECT count(*) FROM documents WHERE tenant = ?1 AND kind = 'sale'");
    let rows = block_on(sql.query(statement.bind(shop::TENANT)))?;
    let count = rows
        .first()
        .and_then(|row| row.int(0))
        .context("no count")?;
    Ok(u64::try_from(count)?)
}
