//! Another key while tills keep calling.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use fake_moysklad::{Fault, Rule};
use serde_json::json;

use super::world::World;
use crate::fixture::*;

/// For how long a till goes on with the key that it has.
const OLD_KEY: Duration = Duration::from_secs(2);
const TILLS: usize = 3;

/// Tills that call while `act` goes on; answers how many calls there were. None may be refused.
fn while_tills_call(w: &World, buyer: &serde_json::Value, act: impl FnOnce()) -> usize {
    let (over, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let tills: Vec<_> = (0..TILLS)
            .map(|_| {
                scope.spawn(|| {
                    let receipt = receipt(buyer, &[line(100.0, 1.0)]);
                    let (mut till, mut since) = (w.till(), Instant::now());
                    while !over.load(SeqCst) {
                        if since.elapsed() > OLD_KEY {
                            (till, since) = (w.till(), Instant::now());
                        }
                        let answer = till.post("/retaildemand/recalc", &receipt);
                        assert_eq!(answer.status, 200, "{}", answer.text);
                        calls.fetch_add(1, SeqCst);
                        std::thread::sleep(Duration::from_millis(20));
                    }
                })
            })
            .collect();
        // A panic must end the tills too.
        let acted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        over.store(true, SeqCst);
        for till in tills {
            till.join().expect("a till was refused");
        }
        if let Err(panic) = acted {
            std::panic::resume_unwind(panic);
        }
    });
    calls.load(SeqCst)
}

#[test]
fn no_call_of_a_till_is_refused_while_the_key_changes_whatever_becomes_of_the_answer() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let (shop, _) = w.installed();
    let buyer = shop.buyer(100);
    let rotate = || shop.api("POST", "/moysklad/rotate-key", &json!({})).ok();
    let lost = |fault| Rule::next(fault).method("PUT").path("/loyalty");
    let calls = while_tills_call(&w, &buyer, || {
        let faults = [
            None,
            // Done, and we do not hear of it; not done; not done for a while.
            Some(lost(Fault::CommitThenClose)),
            Some(lost(Fault::Close)),
            Some(lost(Fault::Html { status: 502 })),
        ];
        for fault in faults {
            let before = w.till().key;
            let unknown = fault.is_some();
            fault.into_iter().for_each(|rule| w.fake.fault(rule));
            assert_eq!(rotate()["accounts"][0]["key_pending"], true);
            w.tick(1_000);
            if unknown {
                assert_eq!(
                    w.connection(&shop)["key_pending"],
                    true,
                    "its outcome is unknown"
                );
            }
            w.until("the key is confirmed", || {
                w.connection(&shop)["key_pending"] == json!(false)
            });
            assert_ne!(w.till().key, before);
            assert_eq!(w.connection(&shop)["last_error"], serde_json::Value::Null);
        }
        // Refused: the former key stays.
        let before = w.till().key;
        w.fake.fault(lost(Fault::Status {
            status: 400,
            code: 2006,
        }));
        rotate();
        w.tick(1_000);
        let now = w.connection(&shop);
        assert_eq!(now["key_pending"], false);
        assert!(!now["last_error"].is_null(), "{now}");
        assert_eq!(w.till().key, before);
        std::thread::sleep(super::world::SETTLED);
    });
    println!("{calls} calls of tills during five rotations");
    assert!(calls > 100, "{calls}");
    assert_eq!(
        w.fake.status(w.solution.id, w.account),
        Some(fake_moysklad::Status::Activated)
    );
}
