//! `fristd retention` and `fristd forget`: what is taken away, and when (M8). Never takes anything away unasked.

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use crate::daemon::retention::{Retained, remove_old};
use crate::domain::{Mailbox, Owner};
use crate::store::{ForgetError, Removal};

use super::{Ending, Shell, WrongInput, actor, counted, print_json, print_line};

/// Shows which mails and addresses are older than settings keep them, and takes them away with --apply.
///
/// Of a cycle that is older than `[retention] months` the mails as they were sent go, and the mailboxes in notices, in reports on
/// mails that came back and in alerts. Receipts, notices with their instants, the SHA-256 of each mail, and the log stay. The
/// service does the same once a day unless settings say `daily = false`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd retention            what would go; nothing is changed\n  \
    fristd retention --apply    takes it away")]
pub(super) struct Retention {
    /// Take it away. It cannot be brought back.
    #[arg(long)]
    apply: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Takes away what names the mailbox of a person who has left; shows it first, does it with --apply.
///
/// The address must stand in contacts.csv no more. Each notice to it, each report on one and each alert loses the address, and
/// the mails to it go. That there was a notice, when it went out and the SHA-256 of its mail stay.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fristd forget --contact m.muster@abh-essen.example            what would go; nothing is changed\n  \
    fristd forget --contact m.muster@abh-essen.example --apply    takes it away\n\n\
    Backups are not reached; copies in drop folders, mail systems and `data/outbox` neither (docs/retention.md).")]
pub(super) struct Forget {
    /// The mailbox.
    #[arg(long, value_name = "ADDRESS")]
    contact: String,
    /// Take it away. It cannot be brought back.
    #[arg(long)]
    apply: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Retention {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let charter = shell.charter()?;
        let store = shell.existing_store(&charter).await?;
        let mut tx = store.write().await?;
        let retained = remove_old(&mut tx, &charter, &actor(), shell.clock.now()).await?;
        if self.apply {
            tx.commit().await?;
            store.truncate_journal().await?;
        } else {
            drop(tx);
        }
        store.close().await;
        let months = charter.settings.service.retention.months;
        match self.json {
            true => print_json(&as_json(&retained, months, self.apply))?,
            false => print_retained(&retained, months, self.apply)?,
        }
        Ok(if retained.removed.is_empty() { Ending::NothingMatched } else { Ending::Done })
    }
}

fn as_json(retained: &Retained, months: u32, applied: bool) -> Value {
    let cycles: Vec<Value> = retained
        .removed
        .iter()
        .map(|(month, removal)| {
            let mut value = counts(removal);
            value["month"] = month.to_string().into();
            value
        })
        .collect();
    json!({ "applied": applied, "months": months, "kept_from": retained.from.to_string(), "removed": cycles })
}

fn counts(removal: &Removal) -> Value {
    let Removal { notices, mails, mail_bytes, reports, alerts, marks } = removal;
    json!({
        "notices": notices, "mails": mails, "mail_bytes": mail_bytes, "reports": reports, "alerts": alerts, "marks": marks,
    })
}

fn print_retained(retained: &Retained, months: u32, applied: bool) -> anyhow::Result<()> {
    let kept =
        format!("everything from {} on stays ({} before this one)", retained.from, counted(months as usize, "month"));
    if retained.removed.is_empty() {
        eprintln!("fristd: nothing is old enough to go; {kept}");
        return Ok(());
    }
    print_line("cycle     notices    mails       size")?;
    for (month, Removal { notices, mails, mail_bytes, .. }) in &retained.removed {
        print_line(&format!("{month}  {notices:>8} {mails:>8}  {:>6} KiB", mail_bytes.div_ceil(1024)))?;
    }
    let mut total = Removal::default();
    retained.removed.values().for_each(|removal| total += *removal);
    print_line("")?;
    print_line(&in_words(&total, applied))?;
    print_line(&format!("receipts, instants, SHA-256 of the mails and the log stay; {kept}"))?;
    if !applied {
        print_line("nothing was changed; take it away with: fristd retention --apply")?;
    }
    Ok(())
}

fn in_words(total: &Removal, applied: bool) -> String {
    let parts = [
        (total.notices, "mailbox of a notice", "mailboxes of notices"),
        (total.mails, "mail", "mails"),
        (total.reports, "report on a mail that came back", "reports on mails that came back"),
        (total.alerts, "alert", "alerts"),
        (total.marks, "mark of a mailbox", "marks of mailboxes"),
    ];
    let words: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, several)| format!("{count} {}", if count == 1 { one } else { several }))
        .collect();
    format!("{}: {}", if applied { "taken away" } else { "would go" }, words.join(", "))
}

impl Forget {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        let mailbox = Mailbox::parse(self.contact.trim()).map_err(|cause| WrongInput(cause.to_string()))?;
        let charter = shell.charter()?;
        let contact = charter.settings.roster.contacts().iter().find(|contact| contact.mailbox == mailbox);
        if let Some(contact) = contact {
            let (Owner::Authority(owner) | Owner::Office(owner)) = &contact.owner;
            return Err(WrongInput(format!(
                "{mailbox}: contacts.csv still has it as a contact of {owner}; take its line out first, or it is written to again"
            ))
            .into());
        }
        let store = shell.existing_store(&charter).await?;
        let mut tx = store.write().await?;
        let removal = match tx.forget(&mailbox, &actor(), shell.clock.now()).await {
            Ok(removal) => removal,
            Err(ForgetError::Store(cause)) => return Err(cause.into()),
            Err(cause) => return Err(cause).context(mailbox.to_string()),
        };
        if self.apply {
            tx.commit().await?;
            store.truncate_journal().await?;
        } else {
            drop(tx);
        }
        store.close().await;
        if self.json {
            let mut value = counts(&removal);
            value["applied"] = self.apply.into();
            print_json(&value)?;
        } else if removal.is_empty() {
            eprintln!("fristd: nothing names {mailbox}");
        } else {
            print_line(&in_words(&removal, self.apply))?;
            print_line(
                "that there were these notices, when they went out, the SHA-256 of their mails and the log stay",
            )?;
            if !self.apply {
                print_line(&format!(
                    "nothing was changed; take it away with: fristd forget --contact {mailbox} --apply"
                ))?;
            }
        }
        Ok(if removal.is_empty() { Ending::NothingMatched } else { Ending::Done })
    }
}
