//! The vendor API that solutions call: status, loyalty, who looks at the page (loyalty specification §6.4).

use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::auth;
use crate::error::Problem;
use crate::jwt;
use crate::lifecycle::{Loyalty, Solution, Status};
use crate::message::{Ask, Reply};
use crate::state::{Context, World};
use crate::time::DAY_MS;

/// Where the vendor API begins on its host.
const BASE: &str = "/api/vendor/1.0/";
/// How long a page's key lives, in milliseconds.
pub(crate) const CONTEXT_KEY_MS: i64 = 5 * 60 * 1000;
/// The same of the one-time token of a user.
pub(crate) const USER_TOKEN_MS: i64 = 60 * 1000;

type Answer = Result<Reply, Problem>;

/// Answers a request to the vendor API.
pub(crate) fn handle(world: &mut World, ask: &Ask) -> Reply {
    if !ask.takes_gzip() {
        return Reply::empty(415);
    }
    let solution = match solution(world, ask) {
        Ok(solution) => solution,
        Err(problem) => return auth::refused(problem),
    };
    let path = ask.path.strip_prefix(BASE).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let answer = match (ask.method.as_str(), parts.as_slice()) {
        ("GET", ["apps", app, account, "status"]) => status(world, &solution, app, account),
        ("PUT", ["apps", app, account, "status"]) => {
            set_status(world, ask, &solution, app, account)
        }
        ("PUT" | "PATCH", ["apps", app, account, "loyalty"]) => {
            loyalty(world, ask, &solution, app, account)
        }
        ("POST", ["context", "user"]) => user(world, ask, &solution),
        ("POST", ["context", key]) => context(world, &solution, key),
        _ => Err(Problem::new(404, 1002, "Неизвестный путь")),
    };
    answer.unwrap_or_else(Reply::from)
}

/// Whose token it is. It is used up by this, whatever comes of the request.
fn solution(world: &mut World, ask: &Ask) -> Result<Solution, Problem> {
    let wrong = |text: &str| Problem::new(401, 1056, format!("Ошибка аутентификации: {text}"));
    let header = ask.header("authorization").unwrap_or_default();
    let token = header
        .strip_prefix("Bearer ")
        .ok_or_else(|| wrong("нет токена"))?;
    let claims = jwt::claims(token).ok_or_else(|| wrong("не JWT"))?;
    let sub = claims
        .get("sub")
        .and_then(Value::as_str)
        .ok_or_else(|| wrong("нет sub"))?;
    let known = world
        .solutions
        .values()
        .find(|known| known.uid == sub)
        .cloned();
    let known = known.ok_or_else(|| wrong("решение не найдено"))?;
    let claims = jwt::check(token, &known.secret, world.now() / 1000).map_err(wrong)?;
    let jti = claims
        .get("jti")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !world.used_jti.insert(format!("{sub} {jti}")) {
        return Err(wrong("jti уже использован"));
    }
    Ok(known)
}

/// The installation that a path names, of the solution whose token it is.
fn installed(
    world: &World,
    solution: &Solution,
    app: &str,
    account: &str,
) -> Result<(Uuid, Uuid), Problem> {
    let missing = || Problem::new(404, 2004, "Решение не установлено на аккаунте");
    let app = Uuid::parse_str(app).map_err(|_| missing())?;
    let account = Uuid::parse_str(account).map_err(|_| missing())?;
    let there = app == solution.id && world.installs.contains_key(&(app, account));
    there.then_some((app, account)).ok_or_else(missing)
}

fn status(world: &World, solution: &Solution, app: &str, account: &str) -> Answer {
    let key = installed(world, solution, app, account)?;
    let install = world.installs.get(&key);
    let status = install.map(|install| (install.status, install.cause));
    let (status, cause) = status.unzip();
    Ok(Reply::json(&json!({ "status": status, "cause": cause })))
}

fn json(ask: &Ask) -> Result<Value, Problem> {
    let value = serde_json::from_slice::<Value>(&ask.body)
        .ok()
        .filter(Value::is_object);
    value.ok_or_else(|| Problem::new(400, 2001, "Ошибка формата: некорректный JSON"))
}

fn set_status(
    world: &mut World,
    ask: &Ask,
    solution: &Solution,
    app: &str,
    account: &str,
) -> Answer {
    let key = installed(world, solution, app, account)?;
    let body = json(ask)?;
    let name = body.get("status").and_then(Value::as_str);
    let wanted = name
        .and_then(Status::named)
        .ok_or_else(|| Problem::new(400, 3005, "Неизвестный статус"))?;
    let Some(install) = world.installs.get_mut(&key) else {
        return Err(Problem::new(
            404,
            2004,
            "Решение не установлено на аккаунте",
        ));
    };
    let allowed = match (install.status, wanted) {
        (is, wanted) if is == wanted => true,
        (Status::Activating, _) => true,
        (Status::SettingsRequired, wanted) => wanted == Status::Activated,
        _ => false,
    };
    if !allowed {
        return Err(Problem::new(409, 2005, "Переход в этот статус невозможен"));
    }
    install.status = wanted;
    Ok(Reply::empty(200))
}

fn loyalty(world: &mut World, ask: &Ask, solution: &Solution, app: &str, account: &str) -> Answer {
    let key = installed(world, solution, app, account)?;
    if !solution.loyalty {
        let text = "Указаны данные программы лояльности для решения без поддержки loyaltyApi";
        return Err(Problem::new(400, 2006, text));
    }
    let Some(install) = world.installs.get_mut(&key) else {
        return Err(Problem::new(
            404,
            2004,
            "Решение не установлено на аккаунте",
        ));
    };
    if !matches!(install.status, Status::SettingsRequired | Status::Activated) {
        return Err(Problem::new(400, 2007, "Установка решения не завершена"));
    }
    let body = json(ask)?;
    let old = (ask.method == http::Method::PATCH)
        .then(|| install.loyalty.clone())
        .flatten();
    let text = |name: &str, old: Option<&String>| -> Result<String, Problem> {
        let sent = body
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty());
        let value = sent.map(str::to_owned).or_else(|| old.cloned());
        value.ok_or_else(|| Problem::new(400, 3000, format!("Не указано поле '{name}'")).at(name))
    };
    let search = body.get("externalSearch").and_then(Value::as_bool);
    let search = search.or_else(|| old.as_ref().map(|old| old.external_search));
    let search =
        search.ok_or_else(|| Problem::new(400, 3000, "Не указано поле 'externalSearch'"))?;
    install.loyalty = Some(Loyalty {
        url: text("url", old.as_ref().map(|old| &old.url))?,
        token: text("token", old.as_ref().map(|old| &old.token))?,
        external_search: search,
    });
    Ok(Reply::empty(200))
}

/// Takes a one-time key. Of another solution it stays where it is.
fn take(world: &mut World, solution: &Solution, key: &str, token: bool) -> Option<Context> {
    let now = world.now();
    let good = |context: &&Context| context.token == token && context.until > now;
    let found = world.contexts.get(key).filter(good).cloned()?;
    if found.solution == solution.id {
        world.contexts.remove(key);
    }
    Some(found)
}

fn context(world: &mut World, solution: &Solution, key: &str) -> Answer {
    let found = take(world, solution, key, false);
    let found =
        found.ok_or_else(|| Problem::new(404, 3007, "Ключ контекста не найден или истёк"))?;
    if found.solution != solution.id {
        return Err(Problem::new(403, 1016, "Ключ выдан другому решению"));
    }
    let account = world.account(found.account);
    let user = account.and_then(|account| account.user(&found.login));
    let user = user.ok_or_else(|| Problem::new(404, 3007, "Пользователь не найден"))?;
    let view = if user.admin { "ALL" } else { "NO" };
    let short = user.login.split('@').next().unwrap_or_default();
    Ok(Reply::json(&json!({
        "id": user.employee, "accountId": found.account, "uid": user.login, "name": short,
        "shortFio": short, "permissions": { "admin": { "view": view } },
    })))
}

fn user(world: &mut World, ask: &Ask, solution: &Solution) -> Answer {
    let body = json(ask)?;
    let token = body
        .get("token")
        .and_then(Value::as_str)
        .filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Problem::new(400, 3008, "Пустой токен"))?;
    let unknown = || Problem::new(404, 3007, "Токен не найден, использован или истёк");
    let found = take(world, solution, token, true).filter(|found| found.solution == solution.id);
    let found = found.ok_or_else(unknown)?;
    let account = world.account(found.account);
    let user = account
        .and_then(|account| account.user(&found.login))
        .ok_or_else(unknown)?;
    // Of `admin`, `cashier`, `worker` and `individual` (the vendor's _moysklad_endpoints.md).
    let role = if user.admin { "admin" } else { "cashier" };
    Ok(Reply::json(&json!({
        "accountId": found.account, "userId": user.employee, "userUid": user.login, "role": role,
    })))
}

/// Makes a key by which a solution may learn who looks at its page.
pub(crate) fn new_context(
    world: &mut World,
    solution: Uuid,
    account: Uuid,
    login: &str,
    token: bool,
) -> String {
    let key = Uuid::new_v4().simple().to_string();
    let lives = if token { USER_TOKEN_MS } else { CONTEXT_KEY_MS };
    let now = world.now();
    world
        .contexts
        .retain(|_, context| context.until > now - DAY_MS);
    let context = Context {
        solution,
        account,
        login: login.to_owned(),
        until: now + lives,
        token,
    };
    world.contexts.insert(key.clone(), context);
    key
}
