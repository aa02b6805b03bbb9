//! Host interfaces generated from `wit/host`, with the resources that stand behind them.

wasmtime::component::bindgen!({
    path: "../../wit/host",
    world: "host",
    imports: {
        "spin:sqlite/sqlite.[static]connection.open": async | trappable,
        "spin:sqlite/sqlite.[method]connection.execute": async | trappable,
        "spin:sqlite/sqlite.[method]connection.changes": async | trappable,
        "spin:sqlite/sqlite.[method]connection.last-insert-rowid": async | trappable,
        default: trappable,
    },
    with: {
        "spin:key-value/key-value.store": crate::kv::Store,
        "spin:sqlite/sqlite.connection": crate::sqlite::Connection,
    },
    require_store_data_send: true,
});
