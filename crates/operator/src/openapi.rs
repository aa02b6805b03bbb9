//! Makes the OpenAPI 3.1 document from the table of routes and the types' schemas.
//!
//! Native only: a component serves the committed document, and a test keeps the two equal.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::routes::{Answer, Body, Needs, ROUTES, Route};

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths = Map::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        let method = route.method.as_str().to_lowercase();
        if let Some(item) = item.as_object_mut() {
            item.insert(method, operation(route));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "sklad-edge: API оператора",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Деньги – целые копейки, баллы – целые, время – миллисекунды с 1970 года (UTC). \
                Страница: items и next; следующая – с cursor=next, последняя – с next = null.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "operator": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "operator": { "type": "http", "scheme": "bearer" } },
            "responses": { "Error": {
                "description": "Отказ",
                "content": { "application/json": { "schema": reference("ErrorBody") } },
            } },
            "schemas": schemas(),
        },
    })
}

/// The document as it is committed and served: compact, since it is a part of the component, with a
/// line for every path and every schema, so that a difference can be read.
#[must_use]
pub fn text() -> String {
    let mut document = document();
    let schemas = document.pointer_mut("/components/schemas").map(Value::take);
    let paths = document.get_mut("paths").map(Value::take);
    let (schemas, paths) = (lines(schemas), lines(paths));
    let frame = document.to_string();
    let frame = frame.replacen("\"schemas\":null", &format!("\"schemas\":{schemas}"), 1);
    frame.replacen("\"paths\":null", &format!("\"paths\":{paths}"), 1) + "\n"
}

fn lines(object: Option<Value>) -> String {
    let Some(Value::Object(map)) = object else {
        return "null".to_owned();
    };
    let members = map
        .iter()
        .map(|(name, value)| format!("{}:{value}", json!(name)));
    format!("{{\n{}\n}}", members.collect::<Vec<_>>().join(",\n"))
}

fn operation(route: &Route) -> Value {
    let mut operation = json!({
        "operationId": camel(&format!("{:?}", route.op)),
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": responses(route),
    });
    let Some(map) = operation.as_object_mut() else {
        return operation;
    };
    if let Some(body) = body(route.body) {
        map.insert("requestBody".to_owned(), body);
    }
    if route.op == crate::routes::Op::OpenApi {
        map.insert("security".to_owned(), json!([]));
    }
    operation
}

fn camel(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    first.chain(chars).collect()
}

fn parameters(route: &Route) -> Vec<Value> {
    let text = json!({ "type": "string" });
    let parameter = |place: &str, name: &str, required: bool, schema: &Value, what: &str| json!({ "in": place, "name": name, "required": required, "schema": schema, "description": what });
    let names = route
        .path
        .split('/')
        .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'));
    let mut all: Vec<Value> = names
        .map(|name| json!({ "in": "path", "name": name, "required": true, "schema": text }))
        .collect();
    let queries = route.query.iter();
    all.extend(queries.map(|(name, what)| parameter("query", name, false, &text, what)));
    if route.knows("limit") {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": 500, "default": 50 });
        all.push(parameter(
            "query",
            "limit",
            false,
            &limit,
            "Сколько на странице",
        ));
        all.push(parameter(
            "query",
            "cursor",
            false,
            &text,
            "next предыдущей страницы",
        ));
    }
    match route.needs {
        Needs::Nothing => {}
        Needs::IfMatch => all.push(parameter(
            "header",
            "If-Match",
            true,
            &text,
            "ETag прочитанного, или *",
        )),
        Needs::IdempotencyKey => {
            let what = "Повтор с тем же ключом ничего не меняет; от 1 до 200 знаков";
            all.push(parameter("header", "Idempotency-Key", true, &text, what));
        }
    }
    all
}

fn body(body: Body) -> Option<Value> {
    let (media, schema) = match body {
        Body::None => return None,
        Body::One(name) | Body::Perhaps(name) => ("application/json", reference(name)),
        Body::Many(name) => ("application/json", many(name)),
        Body::Csv => ("text/csv", json!({ "type": "string" })),
    };
    let required = !matches!(body, Body::Perhaps(_));
    Some(json!({ "required": required, "content": { media: { "schema": schema } } }))
}

fn responses(route: &Route) -> Value {
    let mut well = json!({ "description": "Готово" });
    let schema = match route.answer {
        Answer::None => None,
        Answer::Any => Some(json!({ "type": "object" })),
        Answer::One(name) => Some(reference(name)),
        Answer::Many(name) => Some(many(name)),
        Answer::Page(name) => Some(json!({
            "type": "object",
            "properties": { "items": many(name), "next": { "type": ["string", "null"] } },
            "required": ["items", "next"],
        })),
    };
    if let (Some(map), Some(schema)) = (well.as_object_mut(), schema) {
        map.insert(
            "content".to_owned(),
            json!({ "application/json": { "schema": schema } }),
        );
    }
    let mut all = json!({ "default": { "$ref": "#/components/responses/Error" } });
    if let Some(map) = all.as_object_mut() {
        map.insert(route.status.to_string(), well);
    }
    all
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn many(name: &str) -> Value {
    json!({ "type": "array", "items": reference(name) })
}

/// The schemas of everything that the table names, and of what they refer to.
fn schemas() -> Map<String, Value> {
    let settings = SchemaSettings::draft2020_12().with(|s| {
        s.definitions_path = "/components/schemas".into();
        s.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let g = &mut generator;
    add::<crate::error::ErrorBody>(g);
    add::<crate::tenants::TenantLine>(g);
    add::<crate::tenants::TenantCard>(g);
    add::<crate::tenants::NewTenant>(g);
    add::<crate::keys::NewKey>(g);
    add::<crate::keys::IssuedKey>(g);
    add::<crate::moysklad::MoyskladConnections>(g);
    add::<crate::moysklad::MoyskladCredentials>(g);
    add::<crate::moysklad::MoyskladChecked>(g);
    add::<crate::companies::CompanyInput>(g);
    add::<sklad_connections::Company>(g);
    add::<crate::connections::NewConnection>(g);
    add::<crate::connections::ConnectionEdit>(g);
    add::<crate::connections::ConnectionCard>(g);
    add::<crate::connections::ConnectionChecked>(g);
    add::<sklad_insales::options::Options>(g);
    add::<crate::customers::CustomerInput>(g);
    add::<crate::customers::Merge>(g);
    add::<shapes::Customer>(g);
    add::<shapes::CustomerCard>(g);
    add::<crate::ledger::Adjustment>(g);
    add::<crate::ledger::Adjusted>(g);
    add::<shapes::LedgerEntry>(g);
    add::<shapes::Checked>(g);
    add::<crate::sales::DocumentCard>(g);
    add::<crate::sales::Document>(g);
    add::<sklad_loyalty::giftcards::NewCertificate>(g);
    add::<sklad_loyalty::giftcards::Certificate>(g);
    add::<sklad_loyalty::giftcards::ImportReport>(g);
    add::<sklad_catalog::GoodInput>(g);
    add::<sklad_catalog::Good>(g);
    add::<sklad_catalog::GoodCard>(g);
    add::<sklad_catalog::CatalogRef>(g);
    add::<sklad_catalog::Upserted>(g);
    add::<sklad_catalog::CategoryInput>(g);
    add::<sklad_catalog::Category>(g);
    add::<sklad_access::NewEmployee>(g);
    add::<sklad_access::employees::Created>(g);
    add::<sklad_access::employees::Edit>(g);
    add::<crate::employees::NewPassword>(g);
    add::<crate::employees::PasswordSet>(g);
    add::<sklad_access::GroupInput>(g);
    add::<sklad_access::Group>(g);
    add::<crate::employees::RightLine>(g);
    add::<sklad_orders::Order>(g);
    add::<sklad_orders::NewOrder>(g);
    add::<sklad_orders::Event>(g);
    add::<sklad_insales::orders::view::View>(g);
    add::<crate::orders::Cancel>(g);
    add::<sklad_orders::OrderCounts>(g);
    add::<sklad_orders::Stored>(g);
    add::<crate::simulate::Simulation>(g);
    add::<crate::simulate::Simulated>(g);
    add::<shapes::JournalLine>(g);
    add::<sklad_jobs::job::Line>(g);
    add::<sklad_jobs::dead::Dead>(g);
    generator.take_definitions(true)
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

/// The shapes of types that other crates serialize without a schema. A test compares the fields.
#[allow(dead_code, missing_docs, reason = "only their schemas are used")]
pub mod shapes {
    use schemars::JsonSchema;

    #[derive(JsonSchema)]
    pub struct Customer {
        /// Идентификатор.
        id: String,
        /// Идентификатор контрагента в МойСклад.
        ms_id: Option<String>,
        /// Имя целиком.
        name: String,
        /// Имя.
        first_name: Option<String>,
        /// Отчество.
        middle_name: Option<String>,
        /// Фамилия.
        last_name: Option<String>,
        /// Телефон: цифры с кодом страны.
        phone: Option<String>,
        /// Номер карты.
        card: Option<String>,
        /// Электронная почта.
        email: Option<String>,
        /// День рождения, ГГГГ-ММ-ДД.
        birth_date: Option<String>,
        /// MALE или FEMALE.
        sex: Option<String>,
        /// Подтверждён ли код регистрации.
        verified: bool,
        /// Баллы по учёту, вместе с ещё не активными, за вычетом перерасхода.
        balance: i64,
        /// Баллы, потраченные сверх баланса.
        overdraft: i64,
        /// Уровень.
        tier: Option<String>,
        /// В кого влит.
        merged_into: Option<String>,
        /// Миллисекунды с 1970 года (UTC).
        created_at: i64,
        /// Миллисекунды с 1970 года (UTC).
        updated_at: i64,
    }

    #[derive(JsonSchema)]
    pub struct CustomerCard {
        #[serde(flatten)]
        customer: Customer,
        /// Сколько баллов можно потратить сейчас; меньше нуля после перерасхода.
        available: i64,
        /// Сколько баллов ещё не активны.
        pending: i64,
    }

    #[derive(JsonSchema)]
    pub struct LedgerEntry {
        /// earn, spend, restore, clawback, expire, adjust, welcome, birthday или merge.
        kind: String,
        /// Чем вызвано; вместе с kind не повторяется.
        key: String,
        /// Миллисекунды с 1970 года (UTC).
        at: i64,
        /// Сколько баллов добавлено; со знаком минус – снято.
        points: i64,
        /// Баланс после этого.
        balance: i64,
        /// Продажа или возврат.
        document: Option<String>,
        /// Почему, если это сделал человек.
        reason: Option<String>,
    }

    #[derive(JsonSchema)]
    pub struct Difference {
        /// Покупатель.
        customer: String,
        /// Баланс, который хранится.
        balance: i64,
        /// Сумма движений.
        entries: i64,
        /// Остатки начислений за вычетом перерасхода.
        lots: i64,
    }

    #[derive(JsonSchema)]
    pub struct Checked {
        /// Сколько покупателей проверено.
        checked: usize,
        /// У кого баланс расходится с движениями.
        differences: Vec<Difference>,
        /// Указатель следующей страницы; null – проверены все.
        next: Option<String>,
    }

    #[derive(JsonSchema)]
    pub struct JournalLine {
        /// Упорядочен по времени.
        id: String,
        /// Миллисекунды с 1970 года (UTC).
        at: i64,
        /// in, out или operator.
        direction: String,
        /// Что сделано.
        action: String,
        /// Документ или предмет.
        object: String,
        /// Покупатель.
        customer: Option<String>,
        /// ok, warning, repeated или error.
        outcome: String,
        /// Словами.
        text: String,
        /// Числа.
        detail: Option<serde_json::Value>,
    }
}
