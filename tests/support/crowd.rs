//! A site with as many notices to deliver as a test wants, at any hour of any day. Never delivers one itself.

use std::fmt::Write as _;
use std::fs;

use super::site::Site;

/// Where all mails to the crowd's mailboxes go in the end, in a domain of its own for each.
const MAILBOX: &str = "meldung";

/// When the crowd's announcement is due; any later hour of the following days will do for delivering it.
pub const DUE_AT: &str = "2026-12-01 00:00:00";

/// So many authorities with a mailbox each, all of which are to get an announcement of about 4 KB at [`DUE_AT`] from a relay on
/// this port. No limit of fristd's own slows it down.
pub fn crowd(count: usize, relay_port: u16) -> Site {
    settle(Site::example(DUE_AT), "2026-12-01", count, 1, relay_port)
}

/// The same, due on another day, `YYYY-MM-DD`, and by the machine's own clock. Each mailbox gets so many mails, about a duty each.
pub fn crowd_of_today(day: &str, authorities: usize, duties: usize, relay_port: u16) -> Site {
    settle(Site::example(DUE_AT).with_true_clock(), day, authorities, duties, relay_port)
}

fn settle(mut site: Site, day: &str, count: usize, duties: usize, relay_port: u16) -> Site {
    let mut authorities = "id,name,kind,district,ags\n".to_owned();
    let mut contacts = "owner,email,name,valid_from,valid_to,calendar\nzrk,zrk@zrk.example,ZRK,,,\n".to_owned();
    for number in 0..count {
        let _ = writeln!(authorities, "abh-{number:06},Stadt {number:06},abh,koeln,{number:06}");
        let _ = writeln!(contacts, "abh-{number:06},{MAILBOX}@stadt-{number:06}.example,Rückkehr,,,");
    }
    site.write("authorities.csv", &authorities);
    site.write("contacts.csv", &contacts);
    let duties: String = (1..=duties).map(|number| DUTY.replace("NUMBER", &number.to_string())).collect();
    site.write("cycles.toml", &(CYCLES.to_owned() + &duties).replace("MONTH", &day[..7]).replace("DAY", day));
    for folder in ["calendars", "templates"] {
        fs::create_dir(site.path(folder)).expect("the temporary folder is writable");
    }
    site.write("calendars/every-day.toml", CALENDAR);
    site.write("templates/announcement.txt", TEXT);
    site.write("templates/announcement.html", HTML);
    site.set("LIMITS__NOTICES_A_TICK_MAX", "100000");
    site.set("LIMITS__MAILS_A_MINUTE", "1000000");
    site.set("LIMITS__MAILS_A_MINUTE_A_DOMAIN", "1000000");
    // a false clock is far from a database server's
    site.set("LIMITS__CLOCK_SECONDS_MAX", "1000000000");
    site.mail_to(relay_port);
    site
}

/// All but the duties.
const CYCLES: &str = r#"
calendar    = "every-day"
first_cycle = "MONTH"

[import]
rule     = { working_day = 1 }
announce = "on-date"

[sending]
from  = "00:00"
until = "23:59"

[letter]
file_number = "523-26.19.01-000001"
system      = "APS auf ZAIPort"
contact     = "aps@zrk-nrw.example"
signature   = ["Zentrale Rückkehrkoordination NRW"]
attach      = []

[[office]]
id   = "zrk"
name = "Zentrale Rückkehrkoordination NRW (ZRK)"
kind = "zrk"

[[cycle]]
month  = "MONTH"
import = DAY
"#;

/// A duty that only announces.
const DUTY: &str = r#"
[[duty]]
id       = "duty-NUMBER"
title    = "Meldung im Planungsmodul"
module   = "APS-Planungsmodul"
period   = "cycle-month"
parts    = [{ id = "confirmation", title = "Bestätigung der Aktualisierung", yes_no = true }]
deadline = { working_days = 30, after = "import", count_import_day = false }

  [[duty.step]]
  kind = "announcement"
  at   = { from = "import", working_days = 0, time = "00:00" }
  to   = ["users"]
"#;

const CALENDAR: &str = r#"
title           = "Alle Tage"
working_week    = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
public_holidays = "none"
"#;

const TEXT: &str = r#"
Sehr geehrte Damen und Herren,

bitte geben Sie die Meldung der Behörde {% for authority in authorities %}„{{ authority.name }}“ {% endfor %} zum Berichtsmonat {{ matter.period }} bis {{ matter.stated_on }}, ab.

{% include "facts.txt" %}

WIE ES WEITERGEHT

Erinnert werden nur Behörden, deren Meldung noch nicht vollständig vorliegt. Ist die Meldung bei Fristende nicht vollständig abgegeben, wird die zuständige Regionale Rückkehrkoordinierungsstelle (RRK) unterrichtet. Eine Fehlanzeige ist ausdrücklich abzugeben; wer nichts meldet, gilt als säumig.

{% include "signature.txt" %}
"#;

const HTML: &str = r#"
<!doctype html>
<html lang="de">
<head><meta charset="utf-8"><title>Frist {{ matter.stated_on_short }}</title></head>
<body>
<h1>Frist für die Meldung: {{ matter.module }} {{ matter.period }}</h1>
<p>Sehr geehrte Damen und Herren,</p>
<p>bitte geben Sie die Meldung der Behörde {% for authority in authorities %}„{{ authority.name }}“ {% endfor %}zum Berichtsmonat {{ matter.period }} bis {{ matter.stated_on }}, ab.</p>
{% include "facts.html" %}
<h2>Wie es weitergeht</h2>
<p>Erinnert werden nur Behörden, deren Meldung noch nicht vollständig vorliegt. Ist die Meldung bei Fristende nicht vollständig abgegeben, wird die zuständige Regionale Rückkehrkoordinierungsstelle (RRK) unterrichtet. Eine Fehlanzeige ist ausdrücklich abzugeben; wer nichts meldet, gilt als säumig. Hat sich seit der letzten Meldung nichts geändert, ist auch dies zu bestätigen; die Bestätigung gilt für alle Angaben, die im Planungsmodul zu dieser Behörde hinterlegt sind, und ersetzt keine Meldung im Statistikmodul.</p>
<p>Dieses Schreiben geht an alle meldepflichtigen Ausländerbehörden des Landes. Änderungen der hinterlegten Postfächer teilen Sie bitte der Zentralen Rückkehrkoordination mit, damit künftige Mitteilungen die zuständigen Stellen erreichen. Dies gilt auch für Vertretungen auf Zeit und für Zusammenschlüsse von Behörden.</p>
{% include "signature.html" %}
</body>
</html>
"#;
