//! Chunks as they may come (commerceml §1.4).

use proptest::prelude::*;

use crate::{goods, world};

#[test]
fn an_empty_chunk_in_the_middle_changes_nothing() {
    let world = world();
    let client = world.begun();
    let file = goods(0..50);
    let (one, two) = file.split_at(1_500);
    for chunk in [b"".as_slice(), one, b"", b"", two, b""] {
        client.put("import.xml", chunk);
    }
    client.imported("import.xml");
    assert_eq!(world.goods(), 50);
}

#[test]
fn an_empty_file_is_a_failure_until_it_comes_anew() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", b"");
    for _ in 0..2 {
        let told = client.import("import.xml");
        assert!(told.starts_with("failure\nimport.xml: "), "{told}");
    }
    client.put("import.xml", b"");
    assert!(client.import("import.xml").starts_with("failure"));
    client.put("import.xml", &goods(["A"]));
    client.imported("import.xml");
}

#[test]
fn a_file_that_failed_may_come_again_from_its_first_chunk() {
    let world = world();
    let client = world.begun();
    let file = goods(0..100);
    let chunks: Vec<&[u8]> = file.chunks(4_000).collect();
    client.put("import.xml", chunks[0]);
    assert!(client.import("import.xml").starts_with("failure"));
    for chunk in &chunks {
        client.put("import.xml", chunk);
    }
    client.imported("import.xml");
    assert_eq!(world.goods(), 100);
}

#[test]
fn a_file_that_begins_anew_with_a_comment_replaces_what_was_there() {
    let world = world();
    let client = world.begun();
    let text = String::from_utf8(goods(0..100)).unwrap();
    let (_, root) = text.split_once('\n').unwrap();
    let file = format!("<!-- 1С:Предприятие -->\n{root}");
    client.put("import.xml", &file.as_bytes()[..3_000]);
    client.put("import.xml", file.as_bytes());
    client.imported("import.xml");
    assert_eq!(world.goods(), 100);
}

#[test]
fn a_name_with_a_colon_is_refused() {
    let world = world();
    let client = world.begun();
    let told = client.ask("file", "&filename=a:b.xml", &goods(["A"]));
    assert_eq!(told, "failure\nНедопустимое имя файла");
    client.put("C:%5Cb.xml", &goods(["A"]));
    client.imported("b.xml");
}

#[test]
fn staged_bytes_and_files_have_a_limit() {
    let world = world();
    let client = world.begun();
    client.put("a.xml", b"<?xml");
    let sql = &world.app.sql;
    let write = |text: String| {
        let statement = sklad_store::Statement::new(text);
        futures::executor::block_on(sklad_store::Sql::atomic(sql, vec![statement])).unwrap();
    };
    let quota = sklad_exchange::upload::QUOTA_BYTES;
    write(format!(
        "UPDATE uploads SET size = {} WHERE name = 'a.xml'",
        quota - 10
    ));
    client.put("b.xml", b"<?xml more");
    let told = client.ask("file", "&filename=c.xml", b"<");
    assert!(
        told.starts_with("failure\nСлишком много загруженных"),
        "{told}"
    );
    // What was imported does not count.
    write("UPDATE uploads SET state = 'taken' WHERE name = 'a.xml'".to_owned());
    client.put("c.xml", b"<");
    let files = sklad_exchange::upload::MAX_FILES - 4;
    write(format!(
        "INSERT INTO uploads (tenant, session, kind, name, id, received_at) \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {files}) \
         SELECT 'demo', session, 'catalog', i || '.png', 'i' || i, received_at FROM n, uploads \
         WHERE name = 'a.xml'"
    ));
    client.put("d.xml", b"<");
    let told = client.ask("file", "&filename=e.xml", b"<");
    assert_eq!(told, "failure\nСлишком много файлов в одном обмене");
    world.begun().put("e.xml", b"<");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn repeated_and_empty_chunks_make_the_same_file(
        size in 1_100usize..3_000,
        times in prop::collection::vec((1usize..3, 0usize..3), 12),
    ) {
        let world = world();
        let client = world.begun();
        let file = goods(0..60);
        for (chunk, (sent, empty)) in file.chunks(size).zip(times.iter().cycle()) {
            for _ in 0..*sent {
                client.put("import.xml", chunk);
            }
            for _ in 0..*empty {
                client.put("import.xml", b"");
            }
        }
        client.imported("import.xml");
        prop_assert_eq!(world.goods(), 60);
    }
}
