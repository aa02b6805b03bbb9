use futures::executor::block_on;
use serde_json::json;
use sklad_connections::Connection;
use sklad_insales::connected::KIND;
use sklad_insales::plan::{self, CATALOGUE, Changed, JOBS, ORDERS, RECONCILE, WEBHOOKS};
use sklad_jobs::job;
use sklad_store::Sql;

use crate::fake::{World, world};

const NOW: i64 = 1_700_000_000_000;

fn connection(on: bool, settings: &serde_json::Value) -> Connection {
    let mut made = Connection::new("demo", "main", KIND, "Магазин").unwrap();
    made.enabled = on;
    made.settings = settings.to_string();
    made
}

fn planned(
    w: &World,
    connection: &Connection,
    changed: Changed,
) -> Vec<(String, serde_json::Value)> {
    let batch = plan::statements(connection, 180, changed, NOW);
    block_on(w.sql.atomic(batch)).unwrap();
    let jobs = block_on(job::list(&w.sql, "demo", NOW)).unwrap();
    assert!(jobs.iter().all(|line| line.subject == connection.id));
    let schedule = |line: job::Line| (line.kind, line.schedule.unwrap_or_default());
    jobs.into_iter().map(schedule).collect()
}

#[test]
fn a_connection_has_the_jobs_that_its_settings_call_for_while_it_is_on() {
    let w = world();
    let settings = json!({"shop": "a.myinsales.ru", "every_minutes": 10, "orders": {"on": true}});
    let mut c = connection(false, &settings);
    assert!(planned(&w, &c, Changed::Settings).is_empty());
    // It was removed and is there again, while its goods are on their way to the archive.
    let farewell = plan::farewell("demo", &c.id, NOW);
    block_on(w.sql.atomic(vec![farewell])).unwrap();
    c.enabled = true;
    let often = json!({"every_minutes": 10});
    let nightly = |hour| json!({"every_days": 1, "hour": hour, "zone_minutes": 180});
    let all = [
        (CATALOGUE, often.clone()),
        (ORDERS, often),
        (RECONCILE, nightly(4)),
        (WEBHOOKS, nightly(5)),
    ];
    let all = all.map(|(kind, schedule)| (kind.to_owned(), schedule));
    assert_eq!(planned(&w, &c, Changed::Connection), all);
    let next = |kind: &str| {
        let line = block_on(job::get(&w.sql, "demo", &job::id(kind, &c.id), NOW)).unwrap();
        line.unwrap().next_at
    };
    assert_eq!(
        (next(CATALOGUE), next(ORDERS)),
        (Some(NOW), Some(NOW)),
        "at once"
    );
    assert!(next(RECONCILE) > Some(NOW));
    c.settings =
        json!({"shop": "a.myinsales.ru", "catalogue": {"on": false}, "orders": {"on": true}})
            .to_string();
    let kinds: Vec<_> = planned(&w, &c, Changed::Settings)
        .into_iter()
        .map(|(k, _)| k)
        .collect();
    assert_eq!(kinds, [ORDERS, WEBHOOKS]);
    c.enabled = false;
    assert!(planned(&w, &c, Changed::Connection).is_empty());
    assert_eq!(plan::removed(&c).len(), JOBS.len());
}
