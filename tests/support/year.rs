//! Fills a store with a year of told deadlines and receipts, by the store's own functions. Never plays a month tick by tick.

use chrono::{DateTime, TimeDelta, Utc};
use fristd::daemon::Charter;
use fristd::domain::dates::end_of_day;
use fristd::domain::{Duty, Month, Receipt, ReceiptState, Revision, cycle};
use fristd::settings::Source;
use fristd::store::{Durability, Store};

use super::site::Site;

/// What an authority does in a month: states, each with the hours after the end of the deadline (negative: before it).
pub type Deeds = Vec<(ReceiptState, i64)>;

/// Tells the deadlines of these months and records what `deeds` says of each duty, month and authority.
pub fn fill(site: &Site, months: &[Month], deeds: impl Fn(&Duty, Month, usize) -> Deeds) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(fill_store(site, months, deeds));
}

async fn fill_store(site: &Site, months: &[Month], deeds: impl Fn(&Duty, Month, usize) -> Deeds) {
    let charter = Charter::load(&Source::File(site.path("fristd.toml")), 1).expect("the settings are good");
    let (rulebook, roster) = (&charter.settings.rulebook, &charter.settings.roster);
    let first = months.first().expect("a month");
    let made_at: DateTime<Utc> = first.first_day().and_hms_opt(6, 0, 0).expect("a time").and_utc();
    let store = Store::open(&site.database(), Durability::Scratch, made_at).await.expect("a store");
    let mut tx = store.write().await.expect("a transaction");
    tx.set_first_cycle(*first, made_at).await.expect("set");
    for duty in &rulebook.duties {
        tx.set_duty_start(&duty.id, *first, made_at).await.expect("set");
        for month in months {
            let deadline = cycle::deadline(rulebook, duty, *month, None).expect("within the calendar");
            let end = end_of_day(rulebook.zone, deadline.ends_on);
            let frozen_at = end - TimeDelta::days(14);
            tx.freeze(*month, &duty.id, &Revision { number: 1, deadline, reason: None, frozen_at })
                .await
                .expect("frozen");
            for (number, authority) in roster.authorities().iter().enumerate() {
                for (state, hours) in deeds(duty, *month, number) {
                    let at = end + TimeDelta::hours(hours);
                    let receipt = Receipt {
                        authority: authority.id.clone(),
                        state,
                        source: "manual".into(),
                        actor: "zrk".into(),
                        note: None,
                        received_at: at,
                        reported_at: at,
                    };
                    tx.append_receipt(*month, &duty.id, &receipt).await.expect("appended");
                }
            }
        }
    }
    tx.commit().await.expect("committed");
    store.close().await;
}

/// The months of 2026 up to one.
pub fn months_until(last: u32) -> Vec<Month> {
    (1..=last).map(|number| Month::parse(&format!("2026-{number:02}")).expect("a month")).collect()
}
