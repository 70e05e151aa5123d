//! Certificates for servers that tests start. Never valid for another machine, nor for long.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Makes an authority (`ca.pem`) and a certificate by it for `localhost` and `127.0.0.1` (`server.pem`, `server.key`).
pub fn make_certificates(folder: &Path) {
    let extensions =
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n";
    fs::write(folder.join("server.ext"), extensions).expect("the temporary folder is writable");
    for arguments in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2 -subj /CN=test-authority \
         -keyout ca.key -out ca.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj /CN=localhost -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem",
    ] {
        let output = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(folder)
            .output()
            .expect("this test needs Debian's package openssl; run tests/run, which installs what is missing");
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
