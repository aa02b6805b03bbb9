//! Calls the application's tick at each event of a cron trigger, and nothing else.
//!
//! The trigger is of WASI 0.2, and so is this component, unlike the others. It is in a manifest of its own,
//! `spin.cron.toml`, since a Spin without the plugin `trigger-cron` refuses a manifest with such a trigger.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme,
};

wit_bindgen::generate!({
    path: ["../../wit/host-cron", "../../wit/host/deps/fermyon-spin@2.0.0"],
    inline: "
        package sklad:scheduler;

        world scheduler {
            include fermyon:spin-cron/spin-cron@2.0.0;
            import fermyon:spin/variables@2.0.0;
        }
    ",
    world: "sklad:scheduler/scheduler",
    generate_all,
});

use fermyon::spin::variables;

/// How long the connection may take, in nanoseconds.
const CONNECT_NS: u64 = 5_000_000_000;
/// How much longer than its budget a tick may take to answer, in nanoseconds: what it has begun it ends.
const BEYOND_NS: u64 = 90_000_000_000;
const NS_PER_MS: u64 = 1_000_000;

struct Component;

impl Guest for Component {
    fn handle_cron_event(_: Metadata) -> Result<(), Error> {
        tick().map_err(|why| {
            eprintln!("the tick was not called: {why}");
            Error::Other(why)
        })
    }
}

export!(Component);

fn tick() -> Result<(), String> {
    let budget_ms: u64 = variable("tick_budget_ms")?
        .parse()
        .map_err(|_| "tick_budget_ms is no number")?;
    let request = request(&variable("app_url")?, budget_ms)?;
    let options = RequestOptions::new();
    let answer_ns = budget_ms.saturating_mul(NS_PER_MS) + BEYOND_NS;
    let limited = options
        .set_connect_timeout(Some(CONNECT_NS))
        .and_then(|()| options.set_first_byte_timeout(Some(answer_ns)))
        .and_then(|()| options.set_between_bytes_timeout(Some(BEYOND_NS)));
    limited.map_err(|()| "time limits are not supported")?;
    match send(request, options)?.status() {
        200..=299 => Ok(()),
        status => Err(format!("the application answered {status}")),
    }
}

fn variable(name: &str) -> Result<String, String> {
    // The error may hold a value's template, but never a value.
    variables::get(name).map_err(|error| format!("variable {name}: {error:?}"))
}

fn request(app_url: &str, budget_ms: u64) -> Result<OutgoingRequest, String> {
    let (scheme, rest) = app_url
        .split_once("://")
        .ok_or("app_url begins with http:// or https://")?;
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return Err("app_url begins with http:// or https://".to_owned()),
    };
    let bearer = format!("Bearer {}", variable("operator_token")?);
    let headers = [("authorization".to_owned(), bearer.into_bytes())];
    let headers = Fields::from_list(&headers).map_err(|_| "operator_token cannot be sent")?;
    let request = OutgoingRequest::new(headers);
    let path = format!("/internal/tick?budget_ms={budget_ms}");
    let described = request
        .set_method(&Method::Post)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(rest.trim_end_matches('/'))))
        .and_then(|()| request.set_path_with_query(Some(&path)));
    described.map_err(|()| "app_url is no address")?;
    Ok(request)
}

fn send(request: OutgoingRequest, options: RequestOptions) -> Result<IncomingResponse, String> {
    let failed = |error| format!("{error:?}");
    let response = outgoing_handler::handle(request, Some(options)).map_err(failed)?;
    response.subscribe().block();
    let answer = response.get().and_then(Result::ok);
    answer.ok_or("no answer")?.map_err(failed)
}
