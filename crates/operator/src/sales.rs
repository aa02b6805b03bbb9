//! Sales and returns, as the ledger has them.

use serde::Serialize;
use serde::de::IgnoredAny;
use sklad_store::{Kv, Row, Sql, Statement};

use crate::context::Context;
use crate::error::ApiError;
use crate::page::{Page, number};
use crate::reply::Reply;

/// A sale or return.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Document {
    /// sale или return.
    kind: String,
    /// Идентификатор.
    id: String,
    /// Номер чека.
    number: String,
    /// Когда продано, миллисекунды с 1970 года (UTC).
    moment: i64,
    /// Точка продаж.
    store: String,
    /// Покупатель.
    customer: Option<String>,
    /// Продажа, по которой сделан возврат.
    demand: Option<String>,
    /// Сумма без скидок, копейки.
    gross_kopecks: i64,
    /// Сумма после скидок и баллов, копейки.
    paid_kopecks: i64,
    /// Списано баллов; у возврата – возвращено на счёт.
    spend: i64,
    /// Начислено баллов; у возврата – снято со счёта.
    earn: i64,
    /// На что обратить внимание: overdraft, gift_unknown, orphan…
    flags: Vec<String>,
    /// Когда пришло, миллисекунды с 1970 года (UTC).
    created_at: i64,
}

/// A position.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct DocumentLine {
    /// Товар, как его назвала касса.
    good: String,
    /// Количество в тысячных.
    quantity_thousandths: i64,
    /// Цена за единицу без скидок, копейки.
    price_kopecks: i64,
    /// Цена за единицу после скидок и баллов, копейки.
    discounted_price_kopecks: i64,
}

/// A document with everything.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct DocumentCard {
    #[serde(flatten)]
    document: Document,
    /// Позиции.
    positions: Vec<DocumentLine>,
    /// Возвраты по этой продаже.
    returns: Vec<Document>,
}

const COLUMNS: &str = "d.kind, d.id, d.number, d.moment, d.store, d.customer, d.demand, d.gross, \
     d.paid, d.spend, d.earn, d.flags, d.created_at";

fn document(row: &Row) -> Document {
    let int = |i| row.int(i).unwrap_or_default();
    let text = |i| row.text(i).map(str::to_owned);
    let flags = row.string(11);
    Document {
        kind: row.string(0),
        id: row.string(1),
        number: row.string(2),
        moment: int(3),
        store: row.string(4),
        customer: text(5),
        demand: text(6),
        gross_kopecks: int(7),
        paid_kopecks: int(8),
        spend: int(9),
        earn: int(10),
        flags: flags
            .split(',')
            .filter(|f| !f.is_empty())
            .map(str::to_owned)
            .collect(),
        created_at: int(12),
    }
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let limit = c.limit()?;
    let after = match c.cursor::<3>()? {
        None => (i64::MAX, String::new(), String::new()),
        Some([at, kind, id]) => (number(&at)?, kind, id),
    };
    let until = c
        .query_number("to")?
        .map(|to| (to, String::new(), String::new()));
    let which = Which {
        before: until.map_or(after.clone(), |until| until.min(after)),
        from: c.query_number("from")?.unwrap_or(i64::MIN),
        kind: c.query_one_of("kind", &["sale", "return"])?,
        customer: c.query("customer").map(str::to_lowercase),
    };
    let rows = c
        .app
        .sql
        .query(which.page(tenant.slug.as_str(), limit))
        .await?;
    let items = rows.iter().map(document).collect();
    let page = Page::new(items, limit, |last: &Document| {
        vec![
            last.created_at.to_string(),
            last.kind.clone(),
            last.id.clone(),
        ]
    });
    Reply::json(&page)
}

/// Where a document stands in the list: when it came, its kind and id.
type Place = (i64, String, String);

/// Which documents are listed.
struct Which<'a> {
    /// Those that stand before this place, the newest first.
    before: Place,
    /// Those that came at this time or later, milliseconds since 1970 UTC.
    from: i64,
    kind: Option<&'a str>,
    customer: Option<String>,
}

impl Which<'_> {
    /// The statement of a page. Those of one customer have an index of their own, which only a
    /// statement with that very condition can use.
    fn page(self, tenant: &str, limit: usize) -> Statement {
        let (index, whose) = match &self.customer {
            Some(_) => ("documents_of", "d.customer = ?6"),
            None => ("documents_by_time", "?6 IS NULL"),
        };
        let (at, kind, id) = self.before;
        Statement::new(format!(
            "SELECT {COLUMNS} FROM documents d INDEXED BY {index} WHERE d.tenant = ?1 AND {whose} \
             AND (d.created_at, d.kind, d.id) < (?2, ?3, ?4) AND d.created_at >= ?7 \
             AND (?5 IS NULL OR d.kind = ?5) \
             ORDER BY d.created_at DESC, d.kind DESC, d.id DESC LIMIT ?8"
        ))
        .bind(tenant)
        .bind(at)
        .bind(kind)
        .bind(id)
        .bind(self.kind)
        .bind(self.customer)
        .bind(self.from)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    }
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let id = c.name(1).to_lowercase();
    // Under any id it came with; a sale goes before a return of the same id.
    let statement = Statement::new(format!(
        "SELECT {COLUMNS}, d.positions FROM document_keys k JOIN documents d \
         ON d.tenant = ?1 AND d.kind = k.kind AND d.id = k.document \
         WHERE k.tenant = ?1 AND k.kind IN ('sale', 'return') AND k.key IN (?2, ?3) \
         ORDER BY k.kind DESC LIMIT 1"
    ))
    .bind(tenant.slug.as_str())
    .bind(c.name(1))
    .bind(id);
    let rows = c.app.sql.query(statement).await?;
    let row = rows.first().ok_or_else(ApiError::not_found)?;
    let document = document(row);
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM documents d WHERE d.tenant = ?1 AND d.demand = ?2 \
         AND d.kind = 'return' ORDER BY d.created_at, d.id"
    ))
    .bind(tenant.slug.as_str())
    .bind(&document.id);
    let returns = match document.kind.as_str() {
        "sale" => c.app.sql.query(statement).await?,
        _ => Vec::new(),
    };
    Reply::json(&DocumentCard {
        document,
        positions: positions(row.text(13).unwrap_or_default()),
        returns: returns.iter().map(self::document).collect(),
    })
}

/// The positions as the ledger writes them, without what it keeps for itself.
fn positions(json: &str) -> Vec<DocumentLine> {
    let rows: Vec<(String, i64, i64, i64, i64, IgnoredAny)> =
        serde_json::from_str(json).unwrap_or_default();
    let line = |(good, quantity_thousandths, price_kopecks, discounted_price_kopecks, _, _)| {
        DocumentLine {
            good,
            quantity_thousandths,
            price_kopecks,
            discounted_price_kopecks,
        }
    };
    rows.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use sklad_store::native::NativeSql;

    #[test]
    fn a_page_reads_no_more_than_its_rows_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        let place = "created_at>? AND (created_at,kind,id)<(?,?,?)";
        for (customer, reads) in [
            (None, format!("documents_by_time (tenant=? AND {place})")),
            (
                Some("c"),
                format!("documents_of (tenant=? AND customer=? AND {place})"),
            ),
        ] {
            let which = Which {
                before: (5, String::new(), String::new()),
                from: 1,
                kind: Some("sale"),
                customer: customer.map(str::to_owned),
            };
            let page = which.page("a", 10);
            let explain = Statement::new(format!("EXPLAIN QUERY PLAN {}", page.sql()));
            let explain = page.params().iter().cloned().fold(explain, Statement::bind);
            let plan = block_on(sql.query(explain)).unwrap();
            let steps: Vec<_> = plan.iter().map(|row| row.string(3)).collect();
            assert!(steps.len() == 1 && steps[0].contains(&reads), "{steps:?}");
        }
    }
}
