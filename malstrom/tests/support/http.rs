//! A client, as small as it can be.
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Its headers, in lower case.
    pub head: String,
    pub body: String,
}
impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
    /// What went wrong.
    #[track_caller]
    pub fn error(&self) -> String {
        assert!(self.status >= 400 && self.head.contains("content-type: application/json"), "{self:?}");
        self.json()["error"].as_str().unwrap().to_owned()
    }
}
pub fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}
/// Sends bytes and reads what comes until the other side closes.
pub fn raw(at: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connect(at);
    // The other side may have had enough before all is sent.
    let _ = stream.write_all(bytes);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
}
/// A request with headers of one's own (`"Name: value"`).
#[track_caller]
pub fn request(at: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    raw(at, text.as_bytes()).unwrap_or_else(|| panic!("no answer to {method} {path}"))
}
#[track_caller]
pub fn get(at: SocketAddr, path: &str) -> Answer {
    request(at, "GET", path, &[], "")
}
#[track_caller]
pub fn post(at: SocketAddr, path: &str, body: &str) -> Answer {
    request(at, "POST", path, &[], body)
}
