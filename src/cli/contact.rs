//! `fristd contact`: mailboxes to which mail is rejected (M6). Never sends; the daemon does.

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::domain::dates::local_date;
use crate::domain::{Mailbox, Owner, Roster};
use crate::store::{Flag, OutboxFilter};

use super::{Ending, Shell, WrongInput, actor, counted, print_json, print_line};

/// Shows and clears flagged mailboxes.
///
/// A mailbox is flagged when a mail to it was refused for good or came back as undeliverable. It gets nothing more until a
/// person clears it, or until contacts.csv names another one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  fristd contact list\n  fristd contact clear rueckkehr@abh-krefeld.example")]
pub(super) struct Contact {
    #[command(subcommand)]
    command: ContactCommand,
}

#[derive(Debug, Subcommand)]
enum ContactCommand {
    /// Lists flagged mailboxes: since when, whose, and why.
    #[command(after_help = "Example:\n  fristd contact list --json")]
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Takes the flag from a mailbox: it gets what is live now, and whatever comes.
    ///
    /// What was not delivered before is not sent again by itself; `fristd outbox retry --to ADDRESS` does that.
    #[command(after_help = "Example:\n  fristd contact clear rueckkehr@abh-krefeld.example")]
    Clear {
        /// The mailbox.
        address: String,
    },
}

impl Contact {
    pub(super) async fn execute(self, shell: &Shell) -> anyhow::Result<Ending> {
        match self.command {
            ContactCommand::List { json } => list(shell, json).await,
            ContactCommand::Clear { address } => clear(shell, &address).await,
        }
    }
}

async fn list(shell: &Shell, json: bool) -> anyhow::Result<Ending> {
    let charter = shell.charter()?;
    let (zone, roster) = (charter.settings.rulebook.zone, &charter.settings.roster);
    let today = local_date(shell.clock.now(), zone);
    let flags = shell.existing_store(&charter).await?.read().await?.flags().await?;
    if json {
        let value = |flag: &Flag| {
            json!({
                "mailbox": flag.mailbox.as_str(), "since": flag.flagged_at.with_timezone(&zone).to_rfc3339(),
                "owners": owners(roster, &flag.mailbox, today), "why": flag.reply, "notice": flag.notice,
            })
        };
        print_json(&Value::Array(flags.iter().map(value).collect()))?;
    } else {
        for flag in &flags {
            let since = flag.flagged_at.with_timezone(&zone).format("%Y-%m-%d %H:%M");
            let owners = owners(roster, &flag.mailbox, today);
            let owners = if owners.is_empty() { "nobody's today".to_owned() } else { owners.join(", ") };
            print_line(&format!("{since}  {}  {owners}  ({})", flag.mailbox, flag.reply))?;
        }
        print_line(&counted(flags.len(), "flagged mailbox").replace("mailboxs", "mailboxes"))?;
    }
    Ok(if flags.is_empty() { Ending::NothingMatched } else { Ending::Done })
}

async fn clear(shell: &Shell, address: &str) -> anyhow::Result<Ending> {
    let mailbox = Mailbox::parse(address.trim()).map_err(|cause| WrongInput(cause.to_string()))?;
    let charter = shell.charter()?;
    let store = shell.existing_store(&charter).await?;
    let mut tx = store.write().await?;
    let flags = tx.flags().await?;
    if !tx.unflag(&mailbox, &actor(), shell.clock.now()).await? {
        eprintln!("fristd: {mailbox}: is not flagged; {}", near(&flags, &mailbox));
        return Ok(Ending::NothingMatched);
    }
    let filter = OutboxFilter { mailbox: Some(mailbox.as_str().to_owned()), ..OutboxFilter::default() };
    let undelivered = tx.outbox(&filter).await?.iter().filter(|notice| notice.state.as_str() == "rejected").count();
    tx.commit().await?;
    print_line(&format!("{mailbox} is cleared; it gets what is live now, and what comes"))?;
    let today = local_date(shell.clock.now(), charter.settings.rulebook.zone);
    if owners(&charter.settings.roster, &mailbox, today).is_empty() {
        print_line("but it is nobody's mailbox in contacts.csv today")?;
    }
    if undelivered > 0 {
        let were = if undelivered == 1 { "was" } else { "were" };
        print_line(&format!(
            "{} to it {were} not delivered; `fristd outbox retry --to {mailbox}` sends again what is still called for",
            counted(undelivered, "notice")
        ))?;
    }
    Ok(Ending::Done)
}

/// The ids of those whose mailbox it is on that day.
fn owners(roster: &Roster, mailbox: &Mailbox, day: NaiveDate) -> Vec<String> {
    let id = |owner: &Owner| match owner {
        Owner::Authority(id) | Owner::Office(id) => id.to_string(),
    };
    roster.contacts_at(mailbox, day).map(|contact| id(&contact.owner)).collect()
}

/// Flagged mailboxes that may have been meant.
fn near(flags: &[Flag], mailbox: &Mailbox) -> String {
    const HINTS_MAX: usize = 3; // enough to recognise the one
    let (local, domain) = mailbox.as_str().rsplit_once('@').unwrap_or((mailbox.as_str(), ""));
    let is_near = |flag: &&Flag| {
        let (other, other_domain) = flag.mailbox.as_str().rsplit_once('@').unwrap_or_default();
        other_domain == domain || (other == local && shares_word(domain, other_domain))
    };
    let near: Vec<&str> = flags.iter().filter(is_near).map(|flag| flag.mailbox.as_str()).take(HINTS_MAX).collect();
    match (near.as_slice(), flags.len()) {
        (_, 0) => "no mailbox is".to_owned(),
        ([], _) => "see `fristd contact list`".to_owned(),
        (near, _) => format!("near: {}", near.join(", ")),
    }
}

/// Whether two domains have a word of more than three letters in common.
fn shares_word(one: &str, other: &str) -> bool {
    let words = |domain: &str| {
        let words = domain.split(['.', '-']).filter(|word| word.len() > 3 && *word != "example");
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    let others = words(other);
    words(one).iter().any(|word| others.contains(word))
}
