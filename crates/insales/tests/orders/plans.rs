//! What the statements read.

use std::collections::BTreeMap;

use futures::executor::block_on;
use sklad_insales::orders::view::Again;
use sklad_insales::orders::{rows, view, wake};
use sklad_store::{Sql, Statement};

use super::fake::Fault;
use super::world::{World, told, world};

fn use_everything(world: &World) {
    let made = world.make("a").order;
    *world.shop.faults.borrow_mut() = vec![Fault::Done, Fault::Lost];
    world.run();
    world.make("b");
    world.run();
    world.shop.set_status(500, "approved");
    world.hint(500);
    world.run();
    world.cancel(&made.id);
    world.run();
    world.clock.pass(300_000);
    world.run();
    let now = world.clock.0.get();
    block_on(wake(&world.sql, "demo", None, now)).unwrap();
    // It is there: nothing is tried.
    world.connect();
    let made = world.order(&made.id);
    let again = view::again(&world.sql, "demo", &made, told(&made), now);
    assert_eq!(block_on(again), Ok(Again::Nothing));
    block_on(
        world
            .sql
            .atomic(vec![rows::again(("demo", "c1"), &made.id, now)]),
    )
    .unwrap();
    block_on(rows::waiting(&world.sql, "demo", "c1")).unwrap();
    block_on(world.sql.atomic(rows::forget("demo", "c1", now))).unwrap();
}

#[test]
fn no_statement_reads_all_orders_of_a_tenant() {
    let world = world();
    use_everything(&world);
    let seen = world.sql.seen.take();
    let seen: BTreeMap<String, Statement> =
        seen.into_iter().map(|s| (s.sql().to_owned(), s)).collect();
    let of_ours = |sql: &&String| {
        sql.contains("order_pushes") || sql.contains("order_marks") || sql.contains("FROM k")
    };
    assert!(seen.keys().filter(of_ours).count() > 12, "{}", seen.len());
    for (sql, statement) in seen.iter().filter(|(sql, _)| of_ours(sql)) {
        let explain = Statement::new(format!("EXPLAIN QUERY PLAN {sql}"));
        let explain = statement
            .params()
            .iter()
            .cloned()
            .fold(explain, Statement::bind);
        let lines = block_on(world.sql.query(explain)).unwrap();
        for line in lines.iter().map(|row| row.string(3)) {
            let scan = line
                .strip_prefix("SCAN ")
                .map(|rest| rest.split(' ').next().unwrap());
            assert!(
                scan.is_none_or(|table| ["j", "k", "json_each", "CONSTANT"].contains(&table)),
                "{line}: {sql}"
            );
            // The highest change is one step in its index.
            let wide = line.starts_with("SEARCH ")
                && line.ends_with("(tenant=?)")
                && !line.contains("orders_change");
            assert!(!wide, "{line}: {sql}");
        }
    }
}
