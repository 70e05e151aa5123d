//! The guard over several ticks, by a running service (N9).

mod support;

use support::daemon::message_of;
use support::site::{SMALL_ANNOUNCED, SMALL_ZRK, Site};

#[test]
fn a_roster_that_grows_again_and_again_and_a_restart_do_not_get_the_bound_anew() {
    let mut site = Site::small("2026-12-01 09:00:00");
    site.set("LIMITS__NOTICES_A_TICK_MAX", "10");
    let mut daemon = site.run().ready();
    assert_eq!(daemon.delivered()["sent"], SMALL_ANNOUNCED.len());
    site.append("contacts.csv", "abh-bonn,zweites@bonn.example,Zweites,,,\nabh-bonn,drittes@bonn.example,Drittes,,,\n");
    assert_eq!(daemon.delivered()["sent"], 2, "nine of ten");
    daemon.stop();
    site.append("contacts.csv", "abh-bonn,viertes@bonn.example,Viertes,,,\nabh-bonn,letztes@bonn.example,Letztes,,,\n");
    let mut daemon = site.run().ready();
    assert_eq!(daemon.delivered()["sent"], 1, "the ZRK is told");
    assert_eq!(site.mailboxes("announcement", "held"), ["letztes@bonn.example", "viertes@bonn.example"]);
    let told = site.outbox().into_iter().filter(|notice| notice["to"] == SMALL_ZRK).count();
    assert_eq!(told, 1);
    site.set_clock("2026-12-01 09:11:00");
    site.append("contacts.csv", "abh-krefeld,spaeter@krefeld.example,Später,,,\n");
    daemon.wait_for("what comes ten minutes later", |line| message_of(line) == "delivered");
    assert!(site.mailboxes("announcement", "accepted").contains(&"spaeter@krefeld.example".to_owned()));
    daemon.stop();
}
