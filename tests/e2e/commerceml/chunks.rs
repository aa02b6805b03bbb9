//! Uploads (commerceml §1.4, §6.1-3): the protocol has no number of a part, and clients send them again.

use std::time::Duration;

use samples::Shape;
use serde_json::json;

use super::client::Client;
use super::files::{self, import_of};
use super::merchant::Merchant;
use super::wire::How;

/// The limit of these tests, in bytes; a file of [`shape`] has some ten chunks.
const LIMIT: usize = 10_000;
/// Goods of [`shape`].
const GOODS: usize = 50;

fn shape() -> Shape {
    Shape::moysklad(GOODS as u32)
}

fn begun() -> (Merchant, Client) {
    let merchant = Merchant::new(json!({ "chunk_limit_bytes": LIMIT }));
    let client = merchant.begun();
    assert_eq!(client.file_limit, LIMIT);
    (merchant, client)
}

/// That the catalogue is what an undisturbed exchange makes of the file.
#[track_caller]
fn is_whole(merchant: &Merchant, client: &Client) {
    client.imported("import.xml");
    let totals = merchant.totals("import.xml");
    assert_eq!(
        (&totals["goods"], &totals["created"]),
        (&json!(GOODS), &json!(GOODS))
    );
    has_all(merchant);
}

#[track_caller]
fn has_all(merchant: &Merchant) {
    let goods = merchant.goods();
    assert_eq!(goods.len(), GOODS);
    for n in 0..GOODS as u32 {
        assert_eq!(goods[&shape().good_id(n)]["name"], json!(shape().name(n)));
    }
}

fn chunks(file: &[u8]) -> Vec<&[u8]> {
    let chunks: Vec<&[u8]> = file.chunks(LIMIT).collect();
    assert!(chunks.len() > 6 && !file.len().is_multiple_of(LIMIT));
    chunks
}

#[test]
fn chunks_make_the_file() {
    let (merchant, client) = begun();
    client.upload("import.xml", &import_of(&shape()));
    is_whole(&merchant, &client);
}

#[test]
fn three_megabytes_and_a_rest_make_the_file() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let big = Shape::moysklad(1900);
    let file = import_of(&big);
    assert!(
        (3_000_001..4_000_000).contains(&file.len()),
        "{}",
        file.len()
    );
    client.upload("import.xml", &file);
    client.imported("import.xml");
    assert_eq!(merchant.totals("import.xml")["goods"], json!(1900));
}

#[test]
fn an_empty_chunk_is_none() {
    let (merchant, client) = begun();
    let file = import_of(&shape());
    for chunk in chunks(&file) {
        client.put("import.xml", chunk);
        client.put("import.xml", b"");
    }
    is_whole(&merchant, &client);
}

#[test]
fn a_file_of_which_a_part_was_imported_may_come_from_its_beginning() {
    let (merchant, client) = begun();
    let file = import_of(&shape());
    client.put("import.xml", chunks(&file)[0]);
    client.refused("import.xml");
    // What stood in the first part is there already.
    client.upload("import.xml", &file);
    client.imported("import.xml");
    has_all(&merchant);
}

#[test]
fn any_chunk_may_come_again_after_its_success() {
    let file = import_of(&shape());
    let count = chunks(&file).len();
    for again in [1, count / 2, count - 1] {
        let (merchant, client) = begun();
        for (n, chunk) in chunks(&file).into_iter().enumerate() {
            client.put("import.xml", chunk);
            if n == again {
                client.put("import.xml", chunk);
                client.put("import.xml", chunk);
            }
        }
        is_whole(&merchant, &client);
    }
}

#[test]
fn a_chunk_whose_answer_was_lost_comes_again() {
    let file = import_of(&shape());
    let (merchant, client) = begun();
    for chunk in chunks(&file) {
        client.chunk("catalog", "import.xml", chunk, How::Deaf);
        // 1С waits for a minute before it tries again; by then the server has ended.
        std::thread::sleep(Duration::from_millis(150));
        client.put("import.xml", chunk);
    }
    is_whole(&merchant, &client);
}

#[test]
fn a_body_that_breaks_off_leaves_nothing_behind() {
    let file = import_of(&shape());
    let (merchant, client) = begun();
    for (n, chunk) in chunks(&file).into_iter().enumerate() {
        for kept in [0, 1, chunk.len() / 2, chunk.len() - 1] {
            if n % 3 != 0 {
                break;
            }
            let reply = client.chunk("catalog", "import.xml", chunk, How::CutShort(kept));
            if let Some(reply) = reply.filter(|reply| reply.status == 200) {
                reply.failure();
            }
        }
        client.put("import.xml", chunk);
    }
    is_whole(&merchant, &client);
}

#[test]
fn an_upload_that_begins_anew_replaces_what_was_there() {
    let file = import_of(&shape());
    for stop in [1, 2, 5] {
        let (merchant, client) = begun();
        for chunk in chunks(&file).into_iter().take(stop) {
            client.put("import.xml", chunk);
        }
        client.upload("import.xml", &file);
        is_whole(&merchant, &client);
    }
}

#[test]
fn a_small_file_may_come_many_times() {
    let (merchant, client) = begun();
    let file = files::goods(&[("p-1", "Чайник")]);
    for _ in 0..3 {
        client.put("import.xml", &file);
    }
    let other = files::goods(&[("p-1", "Кружка")]);
    client.put("import.xml", &other);
    client.imported("import.xml");
    assert_eq!(merchant.good("p-1")["name"], json!("Кружка"));
    assert_eq!(merchant.live(), (1, 0));
}

#[test]
fn files_may_come_interleaved() {
    let (merchant, client) = begun();
    let one = import_of(&shape());
    let other = import_of(&Shape { seed: 9, ..shape() });
    for (a, b) in chunks(&one).into_iter().zip(chunks(&other)) {
        client.put("import.xml", a);
        client.put("import1_1.xml", b);
    }
    let rest = |file: &[u8], done: usize| {
        file.chunks(LIMIT)
            .skip(done)
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    let both = one.chunks(LIMIT).count().min(other.chunks(LIMIT).count());
    rest(&one, both)
        .iter()
        .for_each(|chunk| client.put("import.xml", chunk));
    rest(&other, both)
        .iter()
        .for_each(|chunk| client.put("import1_1.xml", chunk));
    client.imported("import.xml");
    client.imported("import1_1.xml");
    assert_eq!(merchant.live(), (2 * GOODS, 0));
}

#[test]
fn chunks_may_be_of_any_length_and_form() {
    let file = import_of(&shape());
    let (merchant, client) = begun();
    let (head, rest) = file.split_at(777);
    let (slow, rest) = rest.split_at(9_000);
    let (chunked, large) = rest.split_at(12_345);
    let send = |body: &[u8], how| {
        client
            .chunk("catalog", "import.xml", body, how)
            .unwrap()
            .success()
    };
    send(head, How::Whole);
    send(slow, How::Slowly(5, Duration::from_millis(60)));
    send(chunked, How::Chunked(1000));
    assert!(
        large.len() > 4 * LIMIT,
        "more than the limit is taken as well"
    );
    send(large, How::Whole);
    is_whole(&merchant, &client);
}

#[test]
fn chunks_in_the_wrong_order_make_no_catalogue_but_the_next_exchange_does() {
    let file = import_of(&shape());
    let (merchant, mut client) = begun();
    let mut wrong = chunks(&file);
    wrong.swap(0, 2);
    for chunk in wrong {
        client.put("import.xml", chunk);
    }
    client.refused("import.xml");
    client.begin("catalog");
    client.upload("import.xml", &file);
    client.imported("import.xml");
    assert_eq!(merchant.live(), (GOODS, 0));
    assert_eq!(merchant.goods().len(), GOODS);
}

#[test]
fn a_new_login_does_not_go_on_with_half_a_file() {
    let file = import_of(&shape());
    for keeps_cookies in [true, false] {
        let (merchant, mut client) = begun();
        client.keeps_cookies = keeps_cookies;
        client.begin("catalog");
        for chunk in chunks(&file).into_iter().take(3) {
            client.put("import.xml", chunk);
        }
        client.begin("catalog");
        let told = client.about("catalog", "import", "import.xml").failure();
        assert!(told.contains("import.xml"), "{told}");
        client.upload("import.xml", &file);
        is_whole(&merchant, &client);
    }
}

#[test]
fn init_forgets_what_was_begun_of_its_type_alone() {
    let (merchant, mut client) = begun();
    client.put("import.xml", &files::goods(&[("p-1", "Чайник")]));
    client.init("sale");
    client.imported("import.xml");
    client.put("offers.xml", &files::package("", false));
    client.init("catalog");
    client.about("catalog", "import", "offers.xml").failure();
    assert_eq!(merchant.live(), (1, 0));
}

#[test]
fn two_clients_at_once_do_not_mix_their_files() {
    let (merchant, first) = begun();
    let second = merchant.begun();
    let other = Shape { seed: 5, ..shape() };
    let (one, two) = (import_of(&shape()), import_of(&other));
    std::thread::scope(|scope| {
        scope.spawn(|| first.upload("import.xml", &one));
        scope.spawn(|| second.upload("import.xml", &two));
    });
    first.imported("import.xml");
    second.imported("import.xml");
    assert_eq!(merchant.live(), (2 * GOODS, 0));
}

#[test]
fn one_chunk_sent_by_eight_at_once_is_there_once() {
    let file = import_of(&shape());
    let (merchant, client) = begun();
    for chunk in chunks(&file) {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| client.put("import.xml", chunk));
            }
        });
    }
    is_whole(&merchant, &client);
}

#[test]
fn what_is_empty_or_far_too_large_is_survived() {
    let (merchant, client) = begun();
    let empty = client
        .chunk("catalog", "empty.xml", b"", How::Whole)
        .unwrap();
    assert!(
        ["success", "failure"].contains(&empty.word().as_str()),
        "{}",
        empty.text()
    );
    client.refused("empty.xml");
    // More than any client is allowed to send: told before the body has come.
    let huge = vec![b' '; 65 * 1024 * 1024];
    let reply = client.chunk("catalog", "huge.xml", &huge, How::CutShort(1000));
    if let Some(reply) = reply.filter(|reply| reply.status == 200) {
        reply.failure();
    }
    client.upload("import.xml", &import_of(&shape()));
    is_whole(&merchant, &client);
}
