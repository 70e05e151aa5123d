//! Gathers template sources: those built in, and those that a folder puts in their place. Never compiles them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::templates::{ENDINGS, TemplateComplaint, kind_of_name};

const FILE_BYTES_MAX: u64 = 256 * 1024; // the largest built-in template has a fiftieth of it

macro_rules! built_in {
    ($($file:literal),* $(,)?) => {
        /// The templates that are compiled in, by their file names.
        const BUILT_IN: &[(&str, &str)] = &[$(($file, include_str!(concat!("../../templates/", $file)))),*];
    };
}

built_in![
    "all-clear.html",
    "all-clear.subject.txt",
    "all-clear.txt",
    "announcement.html",
    "announcement.subject.txt",
    "announcement.txt",
    "correction.html",
    "correction.subject.txt",
    "correction.txt",
    "counting.html",
    "counting.txt",
    "districts.html",
    "districts.txt",
    "escalation.html",
    "escalation.subject.txt",
    "escalation.txt",
    "facts.html",
    "facts.txt",
    "layout.html",
    "long-silence.subject.txt",
    "long-silence.txt",
    "long-silence.html",
    "left.html",
    "left.txt",
    "overdue.html",
    "overdue.subject.txt",
    "overdue.txt",
    "reminder.html",
    "reminder.subject.txt",
    "reminder.txt",
    "signature.html",
    "signature.txt",
    "summary.html",
    "summary.subject.txt",
    "summary.txt",
    "task.html",
    "task.txt",
    "zrk-notice.html",
    "zrk-notice.subject.txt",
    "zrk-notice.txt",
];

/// A template's text and where it stands.
pub(super) struct Source {
    /// The file's path; `built-in template reminder.txt` if it is compiled in.
    pub(super) place: String,
    /// The template.
    pub(super) text: String,
}

/// All templates by file name. What cannot be used is complained of and left out.
pub(super) fn gather(folder: Option<&Path>, complaints: &mut Vec<TemplateComplaint>) -> BTreeMap<String, Source> {
    let built_in = |(name, text): &(&str, &str)| {
        let place = format!("built-in template {name}");
        ((*name).to_owned(), Source { place, text: (*text).to_owned() })
    };
    let mut sources: BTreeMap<String, Source> = BUILT_IN.iter().map(built_in).collect();
    if let Some(folder) = folder {
        read_folder(folder, &mut sources, complaints);
        complain_of_missing_parts(folder, &sources, complaints);
    }
    sources
}

fn read_folder(folder: &Path, sources: &mut BTreeMap<String, Source>, complaints: &mut Vec<TemplateComplaint>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let accepted = "a folder that can be read, or no folder to use the built-in templates";
            complaints.push(complaint(folder, format!("the template folder cannot be read: {error}"), accepted));
            return;
        }
    };
    let mut paths = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => paths.push(entry.path()),
            Err(error) => complaints.push(complaint(
                folder,
                format!("the template folder cannot be read: {error}"),
                "a readable folder",
            )),
        }
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue; // hidden files are an editor's or a version control's, never templates
        }
        match read_file(&path, &name) {
            Ok(text) => {
                sources.insert(name, Source { place: path.display().to_string(), text });
            }
            Err(found) => complaints.push(found),
        }
    }
}

fn read_file(path: &Path, name: &str) -> Result<String, TemplateComplaint> {
    let own_name = ENDINGS
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .filter(|stem| is_plain(stem))
        .and_then(kind_of_name);
    if own_name.is_none() && !BUILT_IN.iter().any(|(known, _)| *known == name) {
        let known = BUILT_IN.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", ");
        let accepted =
            format!("{known}; or three files <kind>-<word>{{.subject.txt,.txt,.html}} like reminder-last.txt");
        return Err(complaint(path, "no template has this name".into(), &accepted));
    }
    let unreadable = |error: std::io::Error| complaint(path, format!("cannot be read: {error}"), "a readable file");
    let metadata = fs::symlink_metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(complaint(path, "is a link or a folder".into(), "a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(complaint(
            path,
            format!("has {} bytes", metadata.len()),
            &format!("at most {FILE_BYTES_MAX} bytes"),
        ));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        complaint(path, format!("is not UTF-8 at byte {at}"), "text in UTF-8")
    })?;
    Ok(text.trim_start_matches('\u{feff}').to_owned()) // editors on Windows put a byte order mark first
}

/// A template of a site's own must have all three parts: nobody should get a mail without a subject.
fn complain_of_missing_parts(
    folder: &Path,
    sources: &BTreeMap<String, Source>,
    complaints: &mut Vec<TemplateComplaint>,
) {
    let named = sources.keys().filter_map(|file| ENDINGS.iter().find_map(|ending| file.strip_suffix(ending)));
    let mut names: Vec<&str> = named.filter(|name| kind_of_name(name).is_some()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        for ending in ENDINGS {
            let file = format!("{name}{ending}");
            if !sources.contains_key(&file) {
                let accepted = format!("all of {name}.subject.txt, {name}.txt, {name}.html");
                complaints.push(complaint(
                    &folder.join(&file),
                    "this part of the template is missing".into(),
                    &accepted,
                ));
            }
        }
    }
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn complaint(path: &Path, problem: String, accepted: &str) -> TemplateComplaint {
    TemplateComplaint { file: path.display().to_string(), line: None, problem, accepted: accepted.to_owned() }
}
