//! Checks how the house is built: who imports whom, that each file says its duty, that paths named in the documents exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        if path.is_dir() {
            found.extend(files_below(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a file of the crate imports from the crate: the names after `crate::`, tests and comments left out.
fn imports(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut found = BTreeSet::new();
    for line in lines {
        for (at, _) in line.match_indices("crate::") {
            let rest = &line[at + "crate::".len()..];
            let names = rest.strip_prefix('{').unwrap_or(rest);
            let name: String = names.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.insert(name);
        }
    }
    found
}

#[test]
fn modules_import_only_what_lies_below_them() {
    let allowed: [(&str, &[&str]); 8] = [
        ("domain", &["domain"]),
        ("settings", &["domain", "settings"]),
        ("store", &["domain", "fault", "store"]),
        ("mail", &["domain", "mail"]),
        ("documents", &["domain", "documents"]),
        ("intake", &["domain", "intake"]),
        ("daemon", &["domain", "fault", "settings", "store", "mail", "documents", "intake", "daemon"]),
        ("cli", &["domain", "settings", "store", "mail", "documents", "intake", "daemon", "cli"]),
    ];
    let mut files_seen = 0;
    for (module, may_import) in allowed {
        for file in files_below(&root().join("src").join(module), "rs") {
            if file.to_string_lossy().contains("test") {
                continue;
            }
            files_seen += 1;
            for import in imports(&fs::read_to_string(&file).expect("a source file can be read")) {
                assert!(may_import.contains(&import.as_str()), "{}: imports crate::{import}", file.display());
            }
        }
    }
    assert!(files_seen > 50, "the source is where it was looked for: {files_seen} files");
}

#[test]
fn the_domain_imports_nothing_but_dates_and_holidays() {
    let outside = [
        "serde",
        "sqlx",
        "tokio",
        "tracing",
        "lettre",
        "minijinja",
        "thiserror",
        "anyhow",
        "std::fs",
        "std::io",
        "std::env",
        "async ",
    ];
    for file in files_below(&root().join("src/domain"), "rs") {
        let text = fs::read_to_string(&file).expect("a source file can be read");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if file.to_string_lossy().contains("test") {
            continue;
        }
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for name in outside {
                assert!(!line.contains(name), "{}:{}: {name}", file.display(), number + 1);
            }
        }
    }
}

#[test]
fn sql_stands_in_the_store_alone() {
    for file in files_below(&root().join("src"), "rs") {
        let text = fs::read_to_string(&file).expect("a source file can be read");
        let in_store = file.starts_with(root().join("src/store"));
        assert!(in_store || !text.contains("sqlx::"), "{}: names sqlx", file.display());
    }
}

#[test]
fn each_file_begins_with_its_duty_and_what_it_never_does() {
    for folder in ["src", "tests", "benches"] {
        for file in files_below(&root().join(folder), "rs") {
            let text = fs::read_to_string(&file).expect("a source file can be read");
            let header: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
            assert!(!header.is_empty(), "{}: begins without //!", file.display());
            let needs_never = folder == "src" && !file.ends_with("lib.rs") && !file.to_string_lossy().contains("test");
            assert!(!needs_never || header.contains("ever"), "{}: does not say what it never does", file.display());
        }
    }
}

#[test]
fn paths_that_documents_name_exist() {
    let mut documents = vec![root().join("README.md"), root().join("ARCHITECTURE.md"), root().join("CHANGELOG.md")];
    documents.extend(files_below(&root().join("docs"), "md"));
    let known = ["src/", "tests/", "deploy/", "templates/", "calendars/", "migrations/", "docs/", "benches/"];
    let mut checked = 0;
    for document in documents {
        let text = fs::read_to_string(&document).expect("the document can be read");
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.trim_end_matches(['.', ',', ':']);
            let is_path =
                known.iter().any(|start| path.starts_with(start)) && !path.contains([' ', '*', '<', '{', '…']);
            if is_path {
                checked += 1;
                assert!(root().join(path).exists(), "{}: names {path}, which does not exist", document.display());
            }
        }
    }
    assert!(checked > 10, "the documents name paths: {checked}");
}
