//! Sessions: who they belong to, and when they end (commerceml §1.2, §1.3).

use crate::{HOUR, MINUTE, goods, world};

#[test]
fn clients_without_cookies_that_return_the_token_have_sessions_of_their_own() {
    let world = world();
    let (mut one, mut two) = (world.begun(), world.client());
    one.cookie = None;
    let file = goods(0..50);
    let (head, tail) = file.split_at(2_000);
    one.put("import.xml", head);
    two.begin();
    two.cookie = None;
    two.put("import.xml", &goods(["B"]));
    one.put("import.xml", tail);
    one.imported("import.xml");
    two.imported("import.xml");
    assert_eq!(world.goods(), 51);
}

#[test]
fn a_login_of_another_client_takes_nothing_from_one_without_cookie_and_token() {
    let world = world();
    let mut one = world.begun();
    (one.cookie, one.token) = (None, None);
    one.put("import.xml", &goods(["A"]));
    let mut two = world.begun();
    (two.cookie, two.token) = (None, None);
    two.ask("init", "", b"");
    one.imported("import.xml");
    assert_eq!(world.goods(), 1);
}

#[test]
fn what_a_client_without_cookie_and_token_has_left_is_not_gone_on_with() {
    let world = world();
    let mut one = world.begun();
    (one.cookie, one.token) = (None, None);
    let file = goods(0..50);
    one.put("import.xml", &file[..2_000]);
    world.later(2 * MINUTE);
    one.ask("init", "", b"");
    let told = one.import("import.xml");
    assert_eq!(told, "failure\nФайл import.xml не загружен");
}

#[test]
fn a_token_is_of_one_employee_and_opens_nothing_by_itself() {
    let world = world();
    let one = world.begun();
    let mut two = world.client_of("two@x.ru");
    two.token.clone_from(&one.token);
    let told = two.ask("init", "", b"");
    assert!(told.starts_with("failure\nСеанс обмена устарел"), "{told}");
    two.token = None;
    two.cookie = one
        .token
        .as_ref()
        .map(|token| format!("sklad_exchange={token}"));
    let told = two.ask("init", "", b"");
    assert!(told.starts_with("failure\nСеанс обмена истёк"), "{told}");
}

#[test]
fn init_with_a_version_names_the_token_again() {
    let world = world();
    let mut client = world.begun();
    let token = client.token.take().unwrap();
    let told = client.ask("init", "&version=2.09", b"");
    let expected = format!("zip=no\nfile_limit=1000000\nsessid={token}\nversion=2.09");
    assert_eq!(told, expected);
    client.token = Some(token);
    assert_eq!(client.ask("init", "&version=2.09", b""), expected);
    // Without either we cannot know it.
    (client.cookie, client.token) = (None, None);
    let told = client.ask("init", "&version=2.09", b"");
    assert_eq!(told, "zip=no\nfile_limit=1000000\nversion=2.09");
}

#[test]
fn a_session_ends_an_hour_after_its_last_request_and_a_day_after_its_login() {
    let world = world();
    let client = world.begun();
    world.later(HOUR - MINUTE);
    assert!(client.ask("init", "", b"").starts_with("zip="));
    world.later(HOUR + MINUTE);
    let told = client.ask("init", "", b"");
    assert!(told.starts_with("failure\nСеанс обмена истёк"), "{told}");

    let client = world.begun();
    let mut told = String::new();
    for hours in 0..50 {
        world.later(HOUR / 2);
        told = client.ask("init", "", b"");
        if hours < 47 {
            assert!(told.starts_with("zip="), "{hours}: {told}");
        }
    }
    assert!(told.starts_with("failure\nСеанс обмена истёк"), "{told}");
}

#[test]
fn a_client_without_cookies_may_be_at_work_for_longer_than_an_hour() {
    let world = world();
    let mut client = world.begun();
    (client.cookie, client.token) = (None, None);
    let file = goods(0..200);
    for chunk in file.chunks(3_000) {
        client.put("import.xml", chunk);
        world.later(25 * MINUTE);
    }
    client.imported("import.xml");
    assert_eq!(world.goods(), 200);
}

#[test]
fn sessions_are_forgotten_in_time() {
    let world = world();
    for _ in 0..3 {
        world.begun();
        world.later(HOUR);
    }
    world.later(50 * HOUR);
    world.begun();
    assert_eq!(world.number("SELECT count(*) FROM exchange_sessions"), 1);
}
