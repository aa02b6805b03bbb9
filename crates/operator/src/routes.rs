//! The table of everything there is.

use http::Method;

/// What a route does; one function each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the summaries in the table say it")]
pub enum Op {
    OpenApi,
    ListTenants,
    CreateTenant,
    GetTenant,
    GetSettings,
    PutSettings,
    GetProgramme,
    PutProgramme,
    GetCommerceml,
    PutCommerceml,
    GetMoyskladSettings,
    PutMoyskladSettings,
    GetCustomerSettings,
    PutCustomerSettings,
    ListKeys,
    IssueKey,
    RevokeKey,
    GetMoysklad,
    ConnectMoysklad,
    DisconnectMoysklad,
    RotateMoyskladKey,
    CheckMoysklad,
    ImportMoysklad,
    ListCompanies,
    CreateCompany,
    RenameCompany,
    DeleteCompany,
    ListConnections,
    CreateConnection,
    GetConnection,
    PutConnection,
    DeleteConnection,
    CheckConnection,
    GetConnectionOptions,
    EnableConnection,
    DisableConnection,
    RunConnection,
    ListCustomers,
    CreateCustomer,
    GetCustomer,
    EditCustomer,
    AdjustPoints,
    ListLedger,
    MergeCustomers,
    ListSales,
    GetSale,
    ListGifts,
    CreateGifts,
    ImportGifts,
    GetGift,
    BlockGift,
    UnblockGift,
    ListGoods,
    UpsertGoods,
    GetGood,
    ArchiveGood,
    UnarchiveGood,
    ListCategories,
    UpsertCategories,
    ListEmployees,
    CreateEmployee,
    GetEmployee,
    EditEmployee,
    DeleteEmployee,
    SetPassword,
    ListGroups,
    CreateGroup,
    GetGroup,
    PutGroup,
    DeleteGroup,
    AddMember,
    RemoveMember,
    ListRights,
    ListPriceTypes,
    ListStores,
    ListOrders,
    CreateOrder,
    UpsertOrders,
    GetOrder,
    CancelOrder,
    OrderHistory,
    GetOrderPush,
    PushOrder,
    Simulate,
    ListJournal,
    Check,
    ListJobs,
    GetJob,
    RunJob,
    PauseJob,
    ResumeJob,
    CancelJob,
    ListDeadLetters,
    ReplayDeadLetter,
}

/// A query parameter: its name and what it means.
pub type Param = (&'static str, &'static str);

/// What a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    None,
    /// One JSON object of this schema.
    One(&'static str),
    /// The same, or nothing: everything in it may be left out.
    Perhaps(&'static str),
    /// A JSON array of objects of this schema.
    Many(&'static str),
    /// CSV.
    Csv,
}

/// What a route answers when all went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing (204).
    None,
    /// One JSON object of this schema.
    One(&'static str),
    /// A JSON array of this schema.
    Many(&'static str),
    /// A page: `{"items": […], "next": cursor or null}`.
    Page(&'static str),
    /// A JSON document without a schema here.
    Any,
}

/// A header that a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// None.
    Nothing,
    /// `If-Match` with the version that was read.
    IfMatch,
    /// `Idempotency-Key`.
    IdempotencyKey,
}

/// One line of the table.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; `{name}` stands for one segment.
    pub path: &'static str,
    /// What it does.
    pub op: Op,
    /// The same in words, for the document.
    pub summary: &'static str,
    /// The query parameters, apart from `limit` and `cursor` of a page.
    pub query: &'static [Param],
    /// What it takes.
    pub body: Body,
    /// The status when all went well.
    pub status: u16,
    /// What it answers then.
    pub answer: Answer,
    /// A header that it needs.
    pub needs: Needs,
    /// The largest body, in bytes.
    pub body_limit: usize,
}

/// The largest ordinary body, in bytes.
pub const BODY_BYTES: usize = 1024 * 1024;
/// The largest batch of goods or orders and file of certificates, in bytes.
pub const BATCH_BYTES: usize = 4 * 1024 * 1024;

impl Route {
    const fn new(method: Method, path: &'static str, op: Op, summary: &'static str) -> Self {
        Self {
            method,
            path,
            op,
            summary,
            query: &[],
            body: Body::None,
            status: 200,
            answer: Answer::None,
            needs: Needs::Nothing,
            body_limit: BODY_BYTES,
        }
    }

    const fn get(path: &'static str, op: Op, summary: &'static str) -> Self {
        Self::new(Method::GET, path, op, summary)
    }

    const fn post(path: &'static str, op: Op, summary: &'static str) -> Self {
        Self::new(Method::POST, path, op, summary)
    }

    const fn takes(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    const fn answers(mut self, status: u16, answer: Answer) -> Self {
        self.status = status;
        self.answer = answer;
        self
    }

    const fn query(mut self, query: &'static [Param]) -> Self {
        self.query = query;
        self
    }

    const fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    const fn batch(mut self) -> Self {
        self.body_limit = BATCH_BYTES;
        self
    }

    /// Whether a query parameter is known here.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        let paged = matches!(self.answer, Answer::Page(_)) || self.op == Op::Check;
        (paged && (name == "limit" || name == "cursor")) || self.query.iter().any(|q| q.0 == name)
    }
}

const T: &str = "/api/v1/tenants";

/// Who changes an order.
const BY: Param = (
    "by",
    "Кто это делает, для истории: api (по умолчанию) – система магазина, operator – человек",
);

macro_rules! tenant {
    ($rest:literal) => {
        concat!("/api/v1/tenants/{slug}", $rest)
    };
}

/// Where the OpenAPI document is.
pub const OPENAPI_PATH: &str = "/api/v1/openapi.json";

/// Everything there is.
pub const ROUTES: &[Route] = &[
    Route::get(
        OPENAPI_PATH,
        Op::OpenApi,
        "Этот документ (без токена)",
    )
    .answers(200, Answer::Any),
    Route::get(T, Op::ListTenants, "Арендаторы").answers(200, Answer::Page("TenantLine")),
    Route::post(T, Op::CreateTenant, "Завести арендатора")
        .takes(Body::One("NewTenant"))
        .answers(201, Answer::One("TenantCard")),
    Route::get(tenant!(""), Op::GetTenant, "Арендатор").answers(200, Answer::One("TenantCard")),
    Route::get(
        tenant!("/settings"),
        Op::GetSettings,
        "Настройки; ETag – их версия",
    )
    .answers(200, Answer::One("Settings")),
    Route::new(
        Method::PUT,
        tenant!("/settings"),
        Op::PutSettings,
        "Заменить настройки; чего в документе нет, то остаётся",
    )
    .takes(Body::One("Settings"))
    .answers(200, Answer::One("Settings"))
    .needs(Needs::IfMatch),
    Route::get(
        tenant!("/programme"),
        Op::GetProgramme,
        "Программа лояльности; ETag – версия настроек",
    )
    .answers(200, Answer::One("Programme")),
    Route::new(
        Method::PUT,
        tenant!("/programme"),
        Op::PutProgramme,
        "Заменить программу лояльности",
    )
    .takes(Body::One("Programme"))
    .answers(200, Answer::One("Programme"))
    .needs(Needs::IfMatch),
    Route::get(
        tenant!("/settings/commerceml"),
        Op::GetCommerceml,
        "Настройки обмена по CommerceML; ETag – версия настроек",
    )
    .answers(200, Answer::One("ExchangeSettings")),
    Route::new(
        Method::PUT,
        tenant!("/settings/commerceml"),
        Op::PutCommerceml,
        "Заменить настройки обмена по CommerceML",
    )
    .takes(Body::One("ExchangeSettings"))
    .answers(200, Answer::One("ExchangeSettings"))
    .needs(Needs::IfMatch),
    Route::get(
        tenant!("/settings/moysklad"),
        Op::GetMoyskladSettings,
        "Настройки загрузки из МоегоСклада; ETag – версия настроек",
    )
    .answers(200, Answer::One("MoyskladSettings")),
    Route::new(
        Method::PUT,
        tenant!("/settings/moysklad"),
        Op::PutMoyskladSettings,
        "Заменить настройки загрузки из МоегоСклада",
    )
    .takes(Body::One("MoyskladSettings"))
    .answers(200, Answer::One("MoyskladSettings"))
    .needs(Needs::IfMatch),
    Route::get(
        tenant!("/settings/customers"),
        Op::GetCustomerSettings,
        "Настройки покупателей; ETag – версия настроек",
    )
    .answers(200, Answer::One("CustomerSettings")),
    Route::new(
        Method::PUT,
        tenant!("/settings/customers"),
        Op::PutCustomerSettings,
        "Заменить настройки покупателей",
    )
    .takes(Body::One("CustomerSettings"))
    .answers(200, Answer::One("CustomerSettings"))
    .needs(Needs::IfMatch),
    Route::get(tenant!("/keys"), Op::ListKeys, "Ключи касс").answers(200, Answer::Many("Key")),
    Route::post(
        tenant!("/keys"),
        Op::IssueKey,
        "Выпустить ключ; текст ключа показывается один раз",
    )
    .takes(Body::Perhaps("NewKey"))
    .answers(201, Answer::One("IssuedKey")),
    Route::new(
        Method::DELETE,
        tenant!("/keys/{id}"),
        Op::RevokeKey,
        "Отозвать ключ",
    )
    .answers(204, Answer::None),
    Route::get(
        tenant!("/moysklad"),
        Op::GetMoysklad,
        "Как подключён МойСклад",
    )
    .answers(200, Answer::One("MoyskladConnections")),
    Route::new(
        Method::PUT,
        tenant!("/moysklad"),
        Op::ConnectMoysklad,
        "Подключить МойСклад вручную: токен или логин с паролем, заменяют прежние",
    )
    .takes(Body::One("MoyskladCredentials"))
    .answers(200, Answer::One("MoyskladConnections")),
    Route::new(
        Method::DELETE,
        tenant!("/moysklad"),
        Op::DisconnectMoysklad,
        "Отключить МойСклад, подключённый вручную",
    )
    .answers(204, Answer::None),
    Route::post(
        tenant!("/moysklad/rotate-key"),
        Op::RotateMoyskladKey,
        "Сменить ключ касс решения: новый будет передан в МойСклад, прежний действует до подтверждения",
    )
    .answers(200, Answer::One("MoyskladConnections")),
    Route::post(
        tenant!("/moysklad/check"),
        Op::CheckMoysklad,
        "Проверить подключение к МоемуСкладу: доступ, права, организацию из настроек",
    )
    .answers(200, Answer::One("MoyskladChecked")),
    Route::post(
        tenant!("/moysklad/import"),
        Op::ImportMoysklad,
        "Импортировать сейчас: товары, категории, цены, остатки; ход – в задании moysklad-goods",
    )
    .answers(200, Answer::One("Job")),
    Route::get(tenant!("/companies"), Op::ListCompanies, "Компании, первая вперёд")
        .answers(200, Answer::Many("Company")),
    Route::post(tenant!("/companies"), Op::CreateCompany, "Завести компанию")
        .takes(Body::One("CompanyInput"))
        .answers(201, Answer::One("Company")),
    Route::new(
        Method::PATCH,
        tenant!("/companies/{id}"),
        Op::RenameCompany,
        "Переименовать компанию, по идентификатору или названию",
    )
    .takes(Body::One("CompanyInput"))
    .answers(200, Answer::One("Company")),
    Route::new(
        Method::DELETE,
        tenant!("/companies/{id}"),
        Op::DeleteCompany,
        "Удалить компанию без подключений и заказов; первая остаётся",
    )
    .answers(204, Answer::None),
    Route::get(
        tenant!("/connections"),
        Op::ListConnections,
        "Подключения к магазинам",
    )
    .query(&[("company", "Одной компании: идентификатор или название")])
    .answers(200, Answer::Many("Connection")),
    Route::post(
        tenant!("/connections"),
        Op::CreateConnection,
        "Завести подключение: настройки и ключ проверяются в магазине, оно остаётся выключенным",
    )
    .takes(Body::One("NewConnection"))
    .answers(201, Answer::One("Connection")),
    Route::get(
        tenant!("/connections/{id}"),
        Op::GetConnection,
        "Подключение; ETag – его версия",
    )
    .answers(200, Answer::One("Connection")),
    Route::new(
        Method::PUT,
        tenant!("/connections/{id}"),
        Op::PutConnection,
        "Заменить настройки подключения, а если указан – и ключ; они проверяются в магазине",
    )
    .takes(Body::One("ConnectionEdit"))
    .answers(200, Answer::One("Connection"))
    .needs(Needs::IfMatch),
    Route::new(
        Method::DELETE,
        tenant!("/connections/{id}"),
        Op::DeleteConnection,
        "Удалить подключение; загруженные товары остаются",
    )
    .answers(204, Answer::None),
    Route::post(
        tenant!("/connections/{id}/check"),
        Op::CheckConnection,
        "Проверить подключение: ключ и права на чтение. Нет ли права менять, скажет первый заказ, которому оно нужно",
    )
    .answers(200, Answer::One("ConnectionChecked")),
    Route::get(
        tenant!("/connections/{id}/options"),
        Op::GetConnectionOptions,
        "Из чего выбирать в настройках: способы оплаты и доставки, статусы, цены, склады магазина",
    )
    .answers(200, Answer::One("InsalesOptions")),
    Route::post(
        tenant!("/connections/{id}/enable"),
        Op::EnableConnection,
        "Включить подключение; перед этим оно проверяется",
    )
    .answers(200, Answer::One("Connection")),
    Route::post(
        tenant!("/connections/{id}/disable"),
        Op::DisableConnection,
        "Выключить подключение",
    )
    .answers(200, Answer::One("Connection")),
    Route::post(
        tenant!("/connections/{id}/run"),
        Op::RunConnection,
        "Загрузить изменения каталога сейчас; ход – в задании insales-catalogue",
    )
    .answers(200, Answer::One("Job")),
    Route::get(
        tenant!("/customers"),
        Op::ListCustomers,
        "Покупатели: все по порядку или поиск",
    )
    .query(&[(
        "q",
        "Имя, телефон, карта или идентификатор; найденное – не больше 20, одной страницей",
    )])
    .answers(200, Answer::Page("Customer")),
    Route::post(
        tenant!("/customers"),
        Op::CreateCustomer,
        "Завести покупателя",
    )
    .takes(Body::One("CustomerInput"))
    .answers(201, Answer::One("CustomerCard")),
    Route::get(
        tenant!("/customers/{id}"),
        Op::GetCustomer,
        "Покупатель с балансом",
    )
    .answers(200, Answer::One("CustomerCard")),
    Route::new(
        Method::PATCH,
        tenant!("/customers/{id}"),
        Op::EditCustomer,
        "Изменить покупателя: пустая строка стирает поле",
    )
    .takes(Body::One("CustomerInput"))
    .answers(200, Answer::One("CustomerCard")),
    Route::post(
        tenant!("/customers/{id}/adjust"),
        Op::AdjustPoints,
        "Начислить или списать баллы вручную",
    )
    .takes(Body::One("Adjustment"))
    .answers(200, Answer::One("Adjusted"))
    .needs(Needs::IdempotencyKey),
    Route::get(
        tenant!("/customers/{id}/ledger"),
        Op::ListLedger,
        "Движение баллов, новое вперёд",
    )
    .answers(200, Answer::Page("LedgerEntry")),
    Route::post(
        tenant!("/customers/{id}/merge"),
        Op::MergeCustomers,
        "Влить в этого покупателя его двойника",
    )
    .takes(Body::One("Merge"))
    .answers(200, Answer::One("CustomerCard")),
    Route::get(
        tenant!("/sales"),
        Op::ListSales,
        "Продажи и возвраты, новое вперёд",
    )
    .query(&[
        ("kind", "sale или return"),
        ("customer", "Идентификатор покупателя"),
        ("from", "Пришли не раньше, миллисекунды с 1970 года"),
        ("to", "Пришли раньше, миллисекунды с 1970 года"),
    ])
    .answers(200, Answer::Page("Document")),
    Route::get(
        tenant!("/sales/{id}"),
        Op::GetSale,
        "Продажа с позициями и возвратами",
    )
    .answers(200, Answer::One("DocumentCard")),
    Route::get(
        tenant!("/gift-certificates"),
        Op::ListGifts,
        "Подарочные сертификаты",
    )
    .query(&[("q", "Начало номера")])
    .answers(200, Answer::Page("Certificate")),
    Route::post(
        tenant!("/gift-certificates"),
        Op::CreateGifts,
        "Завести сертификаты: все или ни одного",
    )
    .takes(Body::Many("NewCertificate"))
    .answers(201, Answer::Many("Certificate")),
    Route::post(
        tenant!("/gift-certificates/import"),
        Op::ImportGifts,
        "Загрузить сертификаты из CSV: number;amount;expires;balance",
    )
    .takes(Body::Csv)
    .answers(200, Answer::One("ImportReport"))
    .batch(),
    Route::get(
        tenant!("/gift-certificates/{number}"),
        Op::GetGift,
        "Сертификат по номеру или идентификатору",
    )
    .answers(200, Answer::One("Certificate")),
    Route::post(
        tenant!("/gift-certificates/{number}/block"),
        Op::BlockGift,
        "Заблокировать сертификат",
    )
    .answers(200, Answer::One("Certificate")),
    Route::post(
        tenant!("/gift-certificates/{number}/unblock"),
        Op::UnblockGift,
        "Снять блокировку",
    )
    .answers(200, Answer::One("Certificate")),
    Route::get(tenant!("/goods"), Op::ListGoods, "Товары")
        .query(&[
            (
                "q",
                "Слова названия, артикул, код, штрихкод или идентификатор",
            ),
            ("article", "Артикул целиком"),
            ("code", "Код целиком"),
            ("barcode", "Штрихкод целиком"),
            ("external", "Идентификатор во внешней системе"),
            ("parent", "Модификации этого товара"),
            ("since", "Изменены не раньше, миллисекунды с 1970 года"),
            ("category", "В этой категории или ниже"),
            ("archived", "true или false"),
            ("order", "id (по умолчанию) или updated_at"),
        ])
        .answers(200, Answer::Page("Good")),
    Route::post(
        tenant!("/goods"),
        Op::UpsertGoods,
        "Завести или изменить товары, до 1000 за раз",
    )
    .takes(Body::Many("GoodInput"))
    .answers(200, Answer::One("Upserted"))
    .batch(),
    Route::get(
        tenant!("/goods/{id}"),
        Op::GetGood,
        "Товар по любому идентификатору, со всем, что о нём известно",
    )
    .answers(200, Answer::One("GoodCard")),
    Route::post(
        tenant!("/goods/{id}/archive"),
        Op::ArchiveGood,
        "Убрать товар в архив",
    )
    .answers(200, Answer::One("GoodCard")),
    Route::post(
        tenant!("/goods/{id}/unarchive"),
        Op::UnarchiveGood,
        "Вернуть товар из архива",
    )
    .answers(200, Answer::One("GoodCard")),
    Route::get(tenant!("/categories"), Op::ListCategories, "Категории")
        .query(&[("parent", "Прямо в этой категории; - означает верхний уровень")])
        .answers(200, Answer::Page("Category")),
    Route::post(
        tenant!("/categories"),
        Op::UpsertCategories,
        "Завести или изменить категории, до 1000 за раз",
    )
    .takes(Body::Many("CategoryInput"))
    .answers(200, Answer::One("Upserted"))
    .batch(),
    Route::get(tenant!("/employees"), Op::ListEmployees, "Сотрудники, по почте")
        .answers(200, Answer::Page("Employee")),
    Route::post(
        tenant!("/employees"),
        Op::CreateEmployee,
        "Завести сотрудника; придуманный пароль показывается один раз",
    )
    .takes(Body::One("NewEmployee"))
    .answers(201, Answer::One("CreatedEmployee")),
    Route::get(
        tenant!("/employees/{id}"),
        Op::GetEmployee,
        "Сотрудник по идентификатору или почте",
    )
    .answers(200, Answer::One("Employee")),
    Route::new(
        Method::PATCH,
        tenant!("/employees/{id}"),
        Op::EditEmployee,
        "Изменить сотрудника, его группы, заблокировать или разблокировать",
    )
    .takes(Body::One("EmployeeEdit"))
    .answers(200, Answer::One("Employee")),
    Route::new(
        Method::DELETE,
        tenant!("/employees/{id}"),
        Op::DeleteEmployee,
        "Удалить сотрудника",
    )
    .answers(204, Answer::None),
    Route::post(
        tenant!("/employees/{id}/password"),
        Op::SetPassword,
        "Задать новый пароль; придуманный показывается один раз",
    )
    .takes(Body::Perhaps("NewPassword"))
    .answers(200, Answer::One("PasswordSet")),
    Route::get(
        tenant!("/groups"),
        Op::ListGroups,
        "Группы сотрудников, по названию",
    )
    .answers(200, Answer::Page("Group")),
    Route::post(tenant!("/groups"), Op::CreateGroup, "Завести группу")
        .takes(Body::One("GroupInput"))
        .answers(201, Answer::One("Group")),
    Route::get(
        tenant!("/groups/{id}"),
        Op::GetGroup,
        "Группа по идентификатору или названию",
    )
    .answers(200, Answer::One("Group")),
    Route::new(
        Method::PUT,
        tenant!("/groups/{id}"),
        Op::PutGroup,
        "Заменить название и права группы, а если указаны – и сотрудников",
    )
    .takes(Body::One("GroupInput"))
    .answers(200, Answer::One("Group")),
    Route::new(
        Method::DELETE,
        tenant!("/groups/{id}"),
        Op::DeleteGroup,
        "Удалить группу; её сотрудники остаются, но без её прав",
    )
    .answers(204, Answer::None),
    Route::new(
        Method::PUT,
        tenant!("/groups/{id}/members/{employee}"),
        Op::AddMember,
        "Добавить сотрудника в группу",
    )
    .answers(200, Answer::One("Group")),
    Route::new(
        Method::DELETE,
        tenant!("/groups/{id}/members/{employee}"),
        Op::RemoveMember,
        "Убрать сотрудника из группы",
    )
    .answers(204, Answer::None),
    Route::get(tenant!("/rights"), Op::ListRights, "Какие бывают права")
        .answers(200, Answer::Many("RightLine")),
    Route::get(tenant!("/price-types"), Op::ListPriceTypes, "Типы цен")
        .answers(200, Answer::Page("CatalogRef")),
    Route::get(tenant!("/stores"), Op::ListStores, "Склады")
        .answers(200, Answer::Page("CatalogRef")),
    Route::get(tenant!("/orders"), Op::ListOrders, "Заказы")
        .query(&[
            (
                "status",
                "В этом статусе: его идентификатор, а без него – название",
            ),
            ("company", "Этой компании: идентификатор или название"),
            (
                "push",
                "В этом состоянии в InSales: refused – не принят, unclear – дошёл ли, ещё не известно, due – ждёт передачи",
            ),
            ("order", "id (по умолчанию) или updated_at; с отбором – только id"),
        ])
        .answers(200, Answer::Page("StoredOrder")),
    Route::post(
        tenant!("/orders"),
        Op::CreateOrder,
        "Создать заказ из товаров каталога; с тем же ключом и тем же телом – прежний ответ",
    )
    .query(&[BY])
    .takes(Body::One("NewOrder"))
    .answers(201, Answer::One("StoredOrder"))
    .needs(Needs::IdempotencyKey),
    Route::new(
        Method::PUT,
        tenant!("/orders"),
        Op::UpsertOrders,
        "Записать заказы магазина целиком, до 100 за раз: все или ни одного",
    )
    .query(&[BY])
    .takes(Body::Many("Order"))
    .answers(200, Answer::One("OrderCounts"))
    .batch(),
    Route::get(
        tenant!("/orders/{id}"),
        Op::GetOrder,
        "Заказ по идентификатору или номеру",
    )
    .answers(200, Answer::One("StoredOrder")),
    Route::post(
        tenant!("/orders/{id}/cancel"),
        Op::CancelOrder,
        "Отменить заказ; отменённый остаётся как есть, отгруженный отменить нельзя",
    )
    .query(&[BY])
    .takes(Body::One("CancelOrder"))
    .answers(200, Answer::One("StoredOrder")),
    Route::get(
        tenant!("/orders/{id}/history"),
        Op::OrderHistory,
        "Кто, когда и что изменил в заказе, старое вперёд",
    )
    .answers(200, Answer::Page("OrderEvent")),
    Route::get(
        tenant!("/orders/{id}/push"),
        Op::GetOrderPush,
        "Как заказ передан в InSales: состояние, номер и статус там, последний отказ",
    )
    .answers(200, Answer::One("OrderPush")),
    Route::post(
        tenant!("/orders/{id}/push"),
        Op::PushOrder,
        "Передать в InSales то, что не принято или создано до того, как передача включена",
    )
    .answers(200, Answer::One("OrderPush")),
    Route::post(
        tenant!("/simulate"),
        Op::Simulate,
        "Рассчитать чек с объяснением каждого сработавшего правила; ничего не записывает",
    )
    .takes(Body::One("Simulation"))
    .answers(200, Answer::One("Simulated")),
    Route::get(tenant!("/journal"), Op::ListJournal, "Журнал, новое вперёд")
        .query(&[
            ("action", "Действие: sale, return, customer, merge, adjust, code, outbox, gift, goods, categories, order, settings, key, employee, group, tenant, exchange, company, connection, call, job или webhook"),
            ("outcome", "ok, warning, repeated или error"),
            ("customer", "Идентификатор покупателя"),
        ])
        .answers(200, Answer::Page("JournalLine")),
    Route::get(
        tenant!("/check"),
        Op::Check,
        "Пересчитать балансы и показать расхождения",
    )
    .answers(200, Answer::One("Checked")),
    Route::get(tenant!("/jobs"), Op::ListJobs, "Задания: что выполняется само")
        .answers(200, Answer::Many("Job")),
    Route::get(tenant!("/jobs/{id}"), Op::GetJob, "Задание").answers(200, Answer::One("Job")),
    Route::post(
        tenant!("/jobs/{id}/run"),
        Op::RunJob,
        "Запустить задание сейчас; выполняемое идёт дальше",
    )
    .answers(200, Answer::One("Job")),
    Route::post(
        tenant!("/jobs/{id}/pause"),
        Op::PauseJob,
        "Приостановить задание; сделанное сохраняется",
    )
    .answers(200, Answer::One("Job")),
    Route::post(
        tenant!("/jobs/{id}/resume"),
        Op::ResumeJob,
        "Возобновить приостановленное задание",
    )
    .answers(200, Answer::One("Job")),
    Route::post(
        tenant!("/jobs/{id}/cancel"),
        Op::CancelJob,
        "Отменить выполнение; сделанное остаётся, следующий раз начнётся сначала",
    )
    .answers(200, Answer::One("Job")),
    Route::get(
        tenant!("/dead-letters"),
        Op::ListDeadLetters,
        "Неудавшееся: задания, уведомления и сообщения, попытки которых кончились",
    )
    .answers(200, Answer::Page("DeadLetter")),
    Route::post(
        tenant!("/dead-letters/{id}/replay"),
        Op::ReplayDeadLetter,
        "Повторить неудавшееся",
    )
    .answers(204, Answer::None),
];

/// What a path leads to.
#[derive(Debug)]
pub enum Found {
    /// A route, with what stands in the places of its names.
    Route(&'static Route, Vec<String>),
    /// A path with other methods.
    Methods(Vec<&'static str>),
    /// Nothing.
    Nothing,
}

/// Finds the route of a request. A route without names goes before one with them.
#[must_use]
pub fn find(method: &Method, path: &str) -> Found {
    let mut methods = Vec::new();
    let mut found: Option<(&'static Route, Vec<String>)> = None;
    for route in ROUTES {
        let Some(names) = matches(route.path, path) else {
            continue;
        };
        let better = found
            .as_ref()
            .is_none_or(|(_, known)| names.len() < known.len());
        if route.method == *method && better {
            found = Some((route, names));
        } else if route.method != *method {
            methods.push(route.method.as_str());
        }
    }
    match found {
        Some((route, names)) => Found::Route(route, names),
        None if methods.is_empty() => Found::Nothing,
        None => {
            methods.dedup();
            Found::Methods(methods)
        }
    }
}

fn matches(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut given = path.split('/');
    for wanted in pattern.split('/') {
        let segment = given.next()?;
        if wanted.starts_with('{') {
            names.push(crate::context::decode(segment).filter(|s| !s.is_empty())?);
        } else if wanted != segment {
            return None;
        }
    }
    given.next().is_none().then_some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(method: Method, path: &str) -> Option<Op> {
        match find(&method, path) {
            Found::Route(route, _) => Some(route.op),
            _ => None,
        }
    }

    #[test]
    fn every_route_is_found_by_its_own_path() {
        for route in ROUTES {
            let path = route.path.replace(['{', '}'], "");
            assert_eq!(op(route.method.clone(), &path), Some(route.op), "{path}");
        }
    }

    #[test]
    fn names_are_decoded_and_never_empty() {
        match find(
            &Method::GET,
            "/api/v1/tenants/demo/gift-certificates/%D0%90%2F1",
        ) {
            Found::Route(_, names) => assert_eq!(names, ["demo", "А/1"]),
            other => panic!("{other:?}"),
        }
        assert_eq!(op(Method::GET, "/api/v1/tenants//keys"), None);
        assert_eq!(op(Method::GET, "/api/v1/tenants/demo/"), None);
        assert_eq!(op(Method::GET, "/api/v1"), None);
    }

    #[test]
    fn a_path_with_other_methods_names_them() {
        match find(&Method::DELETE, "/api/v1/tenants/demo/settings") {
            Found::Methods(methods) => assert_eq!(methods, ["GET", "PUT"]),
            other => panic!("{other:?}"),
        }
    }
}
