//! Checks HTML documents with axe-core in a headless Chromium that is told what to do over a pipe. Never reaches a network.
#![allow(dead_code)] // each test uses the part that it needs

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// A browser that starts on a loaded machine takes seconds; one that says nothing for a minute hangs.
const ANSWER_SECONDS_MAX: u64 = 60;

const RUN_AXE: &str = r#"
axe.run(document, { resultTypes: ["violations", "incomplete"] }).then(results => {
  const told = found => found.map(({ id, impact, help, nodes }) => ({
    id, impact: impact || "", help, nodes: nodes.map(node => node.html + "\n      " + node.any.concat(node.all, node.none).map(check => check.message).join("; ")),
  }));
  return JSON.stringify({ violations: told(results.violations), incomplete: told(results.incomplete), passes: results.passes.length });
})"#;

/// Under which circumstances a document is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The window's width in pixels.
    pub width: u32,
    /// Whether the reader prefers dark colours.
    pub is_dark: bool,
}

impl Look {
    /// A mail window and a telephone, by day and by night.
    pub const ALL: [Self; 4] = [
        Self { width: 700, is_dark: false },
        Self { width: 700, is_dark: true },
        Self { width: 360, is_dark: false },
        Self { width: 360, is_dark: true },
    ];
}

/// One rule that a document breaks, or of which a person has to judge.
#[derive(Clone, Debug)]
pub struct Finding {
    /// axe-core's name of the rule.
    pub rule: String,
    /// The rule, the help and each node with what is wrong there.
    pub words: String,
}

/// What axe-core says of a document.
#[derive(Clone, Debug)]
pub struct Findings {
    /// Rules that are broken.
    pub violations: Vec<Finding>,
    /// Rules that axe-core could not decide.
    pub incomplete: Vec<Finding>,
    /// How many rules are kept; none means that nothing was looked at.
    pub passes: u64,
}

/// A headless Chromium with one empty page.
pub struct Browser {
    child: Child,
    orders: ChildStdin,
    answers: Receiver<Value>,
    next_id: u64,
    session: Option<String>,
    frame: String,
    axe: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts `$CHROMIUM`, else Debian's.
    pub fn start() -> Self {
        let axe = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&axe)
            .unwrap_or_else(|error| panic!("{}: {error}; tests/run --prepare fetches it", axe.display()));
        let profile = tempfile::tempdir().expect("a folder for the profile");
        // the shell puts the pipes where Chromium looks for them: orders at 3, answers at 4
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#, "sh"])
            .arg(chromium())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let orders = child.stdin.take().expect("piped");
        let output = child.stdout.take().expect("piped");
        let (send, answers) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(output).split(0) {
                let Ok(message) = message else { return };
                let Ok(message) = serde_json::from_slice(&message) else { continue };
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        let (session, frame) = (None, String::new());
        let mut browser = Self { child, orders, answers, next_id: 0, session, frame, axe, _profile: profile };
        browser.open_page();
        browser
    }

    /// Shows a document as a reader with that look would see it, and lets axe-core judge it.
    pub fn check(&mut self, html: &str, look: Look) -> Findings {
        let Look { width, is_dark } = look;
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.order("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = if is_dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.order("Emulation.setEmulatedMedia", features);
        self.order("Page.setDocumentContent", json!({"frameId": self.frame, "html": html}));
        let circumstances =
            "JSON.stringify([innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, document.compatMode])";
        let seen = self.evaluate(circumstances);
        assert_eq!(seen, json!([width, is_dark, "CSS1Compat"]).to_string(), "the page is shown as it should be");
        if self.evaluate("typeof axe") == "undefined" {
            let source = format!("{};''", self.axe);
            self.evaluate(&source);
        }
        let results: Value = serde_json::from_str(&self.evaluate(RUN_AXE)).expect("axe-core's results are JSON");
        let findings = |kind: &str| results[kind].as_array().into_iter().flatten().map(finding).collect();
        Findings {
            violations: findings("violations"),
            incomplete: findings("incomplete"),
            passes: results["passes"].as_u64().unwrap_or_default(),
        }
    }

    fn open_page(&mut self) {
        let target = self.order("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.order("Target.attachToTarget", attach);
        self.session = session["sessionId"].as_str().map(str::to_owned);
        let tree = self.order("Page.getFrameTree", json!({}));
        self.frame = tree["frameTree"]["frame"]["id"].as_str().expect("a page has a frame").to_owned();
    }

    /// The text that an expression, or what it promises, comes to.
    fn evaluate(&mut self, expression: &str) -> String {
        let order = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.order("Runtime.evaluate", order);
        match result["result"]["value"].as_str() {
            Some(text) => text.to_owned(),
            None => panic!("the page answers: {result}"),
        }
    }

    fn order(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let mut message = json!({"id": self.next_id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.orders.write_all(&bytes).expect("Chromium takes orders");
        loop {
            let answer = self.answers.recv_timeout(Duration::from_secs(ANSWER_SECONDS_MAX));
            let mut answer = answer
                .unwrap_or_else(|_| panic!("Chromium does not answer {method}; does `chromium --headless` start?"));
            if answer["id"] != json!(self.next_id) {
                continue; // an event that nobody asked for
            }
            assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
            return answer["result"].take();
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // it may be gone already
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn finding(value: &Value) -> Finding {
    let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let nodes: Vec<&str> = value["nodes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let words = format!("{} ({}): {}\n    {}", text("id"), text("impact"), text("help"), nodes.join("\n    "));
    Finding { rule: text("id"), words }
}

fn chromium() -> PathBuf {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    named.unwrap_or_else(|| "/usr/bin/chromium".into())
}
