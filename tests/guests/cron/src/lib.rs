//! Writes the moment of each cron event to its output; the host's tests read it there.

wit_bindgen::generate!({ world: "spin-cron", path: "../../../wit/host-cron" });

struct Component;

impl Guest for Component {
    fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        println!("fired {}", metadata.timestamp);
        Err(Error::Other("and failed".into()))
    }
}

export!(Component);
