//! Who asks: a token or a login with its password (JSON API §1.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use uuid::Uuid;

use crate::error::Problem;
use crate::limits::Limits;
use crate::message::{Ask, Reply};
use crate::state::{Session, World};
use crate::time::machine_ms;

/// The session of a request.
///
/// # Errors
/// 401 in the vendor's shape.
pub(crate) fn session(world: &World, ask: &Ask) -> Result<Session, Problem> {
    let header = ask.header("authorization").ok_or_else(wrong)?;
    if let Some(token) = header.strip_prefix("Bearer ") {
        return world.tokens.get(token).cloned().ok_or_else(wrong);
    }
    password(world, header)
}

fn password(world: &World, header: &str) -> Result<Session, Problem> {
    let packed = header.strip_prefix("Basic ").ok_or_else(wrong)?;
    let text = STANDARD
        .decode(packed)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(wrong)?;
    let (login, password) = text.split_once(':').ok_or_else(wrong)?;
    if !login.contains('@') {
        let text = "Ошибка аутентификации: Неверный формат имени пользователя. Укажите свою учетную \
                    запись, например admin@romashka.";
        return Err(Problem::new(401, 1056, text));
    }
    let found = world.accounts.values().find_map(|account| {
        let user = account
            .user(login)
            .filter(|user| user.password == password)?;
        Some(Session {
            account: account.id,
            uid: user.login.clone(),
            solution: None,
        })
    });
    found.ok_or_else(wrong)
}

fn wrong() -> Problem {
    let text =
        "Ошибка аутентификации: Неправильный пароль или имя пользователя или ключ авторизации";
    Problem::new(401, 1056, text)
}

/// The answer 401 with its headers. Their values are not documented: these are made up.
pub(crate) fn refused(problem: Problem) -> Reply {
    Reply::from(problem)
        .with("x-lognex-auth", "401001")
        .with("x-lognex-auth-message", "Unauthorized")
}

/// `POST /security/token`: a new token, which ends all earlier ones of that user.
pub(crate) fn token(world: &mut World, ask: &Ask) -> Reply {
    let session = match ask
        .header("authorization")
        .ok_or_else(wrong)
        .and_then(|h| password(world, h))
    {
        Ok(session) => session,
        Err(problem) => return refused(problem),
    };
    world.tokens.retain(|_, other| *other != session);
    let token = Uuid::new_v4().simple().to_string();
    world.tokens.insert(token.clone(), session);
    Reply::json(&json!({ "access_token": token }))
}

/// How many units a request costs (JSON API §1.4).
pub(crate) fn weight(world: &World, session: &Session, ask: &Ask, limits: &Limits) -> u32 {
    let heavy =
        ask.path.ends_with("/report/stock/all") || ask.path.ends_with("/report/stock/bystore");
    if heavy {
        return limits.stock_weight;
    }
    match session.solution.and_then(|id| world.solutions.get(&id)) {
        Some(solution) if solution.draft => limits.draft_weight,
        Some(_) => limits.app_weight,
        None => limits.user_weight_at(machine_ms()),
    }
}
