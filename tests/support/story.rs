//! A story played into a site's database by the shipped code on a virtual clock, so that commands can look at what it left.

use std::path::Path;

use fristd::daemon::Charter;
use fristd::daemon::clock::Clock;
use fristd::daemon::scenario::Scenario;
use fristd::daemon::simulation::Simulation;
use fristd::domain::dates::instant;
use fristd::domain::delivery::Reply;
use fristd::mail::{OutgoingMail, Transport};
use fristd::settings::Source;
use fristd::store::{Durability, Store};

use super::site::Site;

/// Plays the lines of a scenario on the small land, from the first of December 2026, and leaves the site at the end of it with the
/// settings of `folder`, one of those in tests/scenarios.
pub fn played(lines: &str, until: &str, folder: &str) -> Site {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let site = Site::example(&format!("{until}:00"));
    for name in ["authorities.csv", "contacts.csv"] {
        let text = std::fs::read_to_string(scenarios.join("small").join(name)).expect("a file of the small land");
        site.write(name, &text);
    }
    site.write("cycles.toml", &std::fs::read_to_string(scenarios.join(folder).join("cycles.toml")).expect("a file"));
    let text = format!("files small\nfrom 2026-12-01 00:00\nuntil {until}\n\n{lines}");
    let scenario = Scenario::parse("story", &text).expect("a scenario");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let charter = Charter::load(&Source::Folder(scenarios.join("small")), 1).expect("valid settings");
        let from = instant(charter.settings.rulebook.zone, scenario.from);
        let store = Store::open(&site.database(), Durability::Scratch, from).await.expect("a new store");
        let simulation = Simulation {
            store: &store,
            charter,
            clock: Clock::virtual_at(from),
            transport: TalkativeRelay,
            folders: vec![scenarios],
        };
        simulation.play(&scenario, |_, _| {}, |_| {}).await.expect("played");
        store.close().await;
    });
    site
}

/// A month in which everything happens that is logged: rejections, mails that come back, flags that are taken away, a correction,
/// a connection that breaks, a list, arrangements, a pause.
pub fn eventful() -> Site {
    played(EVENTFUL, "2027-01-16 00:00", "corrected")
}

const EVENTFUL: &str = "\
2026-12-01 08:00  smtp break-after-data for abh-05314-bonn
2026-12-01 08:00  smtp 451 for zab-05315-koeln until 2026-12-01 10:00
2026-12-01 11:00  bounce hard for abh-05158-kreis-mettmann
2026-12-01 12:00  clear abh-05158-kreis-mettmann
2026-12-02 10:00  record 2026-12 statistics abh-05113-essen complete reason=\"am Telefon, sonst frau.muster@essen.example\"
2026-12-02 10:00  record 2026-12 statistics abh-05314-bonn partial missing=returns
2026-12-02 11:00  record 2026-12 planning abh-05114-krefeld extended until=2026-12-21 reason=\"Ausfall der IT\"
2026-12-03 09:00  import lists/monday.csv
2026-12-03 10:00  imported 2026-12 on 2026-12-03
2026-12-04 10:00  files corrected
2026-12-08 08:05  bounce soft for abh-05314-bonn
2026-12-10 07:00  pause
2026-12-10 09:00  record 2026-12 planning zab-05315-koeln complete
2026-12-10 12:00  resume
2026-12-14 12:00  record 2026-12 statistics abh-05314-bonn complete
2026-12-16 07:00  smtp 550 for abh-05114-krefeld
";

/// Takes everything but what goes to one mailbox, and repeats addresses in its words, as relays do.
#[derive(Clone, Copy, Debug)]
pub struct TalkativeRelay;

/// The mailbox that it refuses for good.
pub const REFUSED: &str = "leitung@essen.example";

impl Transport for TalkativeRelay {
    async fn prepare(&mut self, mail: &OutgoingMail) -> Result<(), Reply> {
        let mailbox = &mail.mailbox;
        match mailbox.as_str() == REFUSED {
            true => Err(Reply::RefusedForGood { text: format!("RCPT: 550 5.1.1 <{mailbox}>: no such mailbox here") }),
            false => Ok(()),
        }
    }

    async fn complete(&mut self, mail: &OutgoingMail) -> Reply {
        Reply::Accepted { text: format!("250 2.0.0 taken for {}", mail.mailbox) }
    }

    fn sibling(&self) -> Self {
        *self
    }

    async fn close(&mut self) {}
}
