//! One connection's protocol, without Python: records in, records out.
//!
//! Every operation does what it can without waiting and says what it waits for; the caller waits, with no lock held, and calls
//! again. Exactly one record is taken from the transport at a time: what follows a closing alert belongs to the program.

use super::problem::{self, Problem};
use super::verify::{Probe, probed};
use rustls::server::{Accepted, AcceptedAlert, Acceptor};
use rustls::{ClientConnection, Connection, ServerConfig};
use std::io::{Read, Write};
use std::sync::Arc;

/// What came from the transport.
pub enum Received {
    Bytes(usize),
    Eof,
    WouldBlock,
    Failed(i32),
}

/// What became of bytes for the transport.
pub enum Sent {
    Bytes(usize),
    WouldBlock,
    Failed(i32),
}

/// Where records come from and go to. It never waits.
pub trait Transport {
    fn receive(&mut self, into: &mut [u8]) -> Received;
    fn send(&mut self, data: &[u8]) -> Sent;
}

/// How far an operation came.
pub enum Step {
    Done(usize),
    WantRead,
    WantWrite,
    /// A server has read a client's greeting, and needs its configuration: [`Engine::start`].
    Greeted,
    /// The other end has closed the connection in order.
    Closed,
    Failed(Problem),
}

enum Stage {
    Accepting(Box<Acceptor>),
    Greeted(Box<Accepted>),
    Open(Box<Connection>),
    Failed,
}

const HEADER: usize = 5;
/// The longest body of a record that is let through.
const LONGEST: usize = 16_384 + 2048;
/// How much is encrypted before it is sent.
const PORTION: usize = 16_384;

/// The protocol's state.
pub struct Engine {
    stage: Stage,
    header: [u8; HEADER],
    have: usize,
    /// The record's body, as far as it came, and what it will be long.
    body: Vec<u8>,
    len: usize,
    /// Bytes for the transport that did not get through yet, from `sent` on.
    output: Vec<u8>,
    sent: usize,
    /// Data that was taken from the program but whose records did not get through yet.
    accepted: usize,
    pub probe: Probe,
    eof: bool,
    closed_by_us: bool,
    closed_by_peer: bool,
    /// Bytes that can be read without a record.
    plain: usize,
    /// Cipher suites that the client offered.
    pub offered: Vec<rustls::CipherSuite>,
    pub handshake_done: bool,
}

/// Passes a record on. A call without data would tell the library that the transport has ended, so there is none.
fn feed(
    header: &[u8],
    body: &[u8],
    mut take: impl FnMut(&mut dyn Read) -> std::io::Result<usize>,
) -> Option<Problem> {
    for mut part in [header, body] {
        while !part.is_empty() {
            match take(&mut part) {
                // It takes no more after a closing alert.
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    return Some(Problem::with_text(
                        "SSL",
                        "INTERNAL_ERROR",
                        &error.to_string(),
                    ));
                }
            }
        }
    }
    None
}

/// Leaves the function unless the step is done.
macro_rules! done {
    ($step:expr) => {
        match $step {
            Step::Done(count) => count,
            step => return step,
        }
    };
}

impl Engine {
    fn new(stage: Stage) -> Engine {
        Engine {
            stage,
            header: [0; HEADER],
            have: 0,
            body: Vec::new(),
            len: 0,
            output: Vec::new(),
            sent: 0,
            accepted: 0,
            probe: Probe::default(),
            eof: false,
            closed_by_us: false,
            closed_by_peer: false,
            plain: 0,
            offered: Vec::new(),
            handshake_done: false,
        }
    }

    pub fn server() -> Engine {
        Engine::new(Stage::Accepting(Box::default()))
    }

    pub fn client(connection: ClientConnection, host: Option<String>) -> Engine {
        let mut engine = Engine::new(Stage::Open(Box::new(Connection::Client(connection))));
        engine.probe.host = host;
        engine
    }

    /// The connection, once there is one.
    pub fn connection(&self) -> Option<&Connection> {
        match &self.stage {
            Stage::Open(connection) => Some(connection),
            _ => None,
        }
    }

    /// The greeting that waits for a configuration.
    pub fn greeting(&self) -> Option<&Accepted> {
        match &self.stage {
            Stage::Greeted(accepted) => Some(accepted),
            _ => None,
        }
    }

    /// Goes on after a greeting with this configuration.
    pub fn start(&mut self, config: Arc<ServerConfig>) -> Result<(), Problem> {
        let accepted = match std::mem::replace(&mut self.stage, Stage::Failed) {
            Stage::Greeted(accepted) => accepted,
            other => {
                self.stage = other;
                return Ok(());
            }
        };
        self.offered = accepted.client_hello().cipher_suites().to_vec();
        match accepted.into_connection(config) {
            Ok(connection) => {
                self.stage = Stage::Open(Box::new(Connection::Server(connection)));
                Ok(())
            }
            Err((error, alert)) => {
                self.queue_alert(alert);
                Err(problem::of_error(&error))
            }
        }
    }

    fn queue_alert(&mut self, mut alert: AcceptedAlert) {
        let _ = alert.write_all(&mut self.output);
    }

    /// Gives the connection up with a fatal alert.
    pub fn abort(&mut self, alert: u8) {
        self.stage = Stage::Failed;
        self.output.extend([21, 3, 3, 0, 2, 2, alert]);
    }

    /// Sends what waits to be sent.
    pub fn flush(&mut self, transport: &mut dyn Transport) -> Step {
        if let Stage::Open(connection) = &mut self.stage {
            while connection.wants_write() {
                if connection.write_tls(&mut self.output).is_err() {
                    break;
                }
            }
        }
        while self.sent < self.output.len() {
            match transport.send(&self.output[self.sent..]) {
                Sent::Bytes(count) => self.sent += count,
                Sent::WouldBlock => return Step::WantWrite,
                Sent::Failed(errno) => return Step::Failed(Problem::System(errno)),
            }
        }
        self.output.clear();
        self.sent = 0;
        Step::Done(0)
    }

    /// Takes one record, or what is left of it, and works on it.
    fn take_record(&mut self, transport: &mut dyn Transport) -> Step {
        if self.eof {
            return Step::Failed(Problem::Eof);
        }
        loop {
            let missing = if self.have < HEADER {
                &mut self.header[self.have..]
            } else {
                let from = self.have - HEADER;
                self.body.resize(self.len, 0);
                &mut self.body[from..]
            };
            if missing.is_empty() {
                break;
            }
            match transport.receive(missing) {
                Received::Bytes(count) => self.have += count,
                Received::WouldBlock => return Step::WantRead,
                Received::Eof => {
                    self.eof = true;
                    return Step::Failed(Problem::Eof);
                }
                Received::Failed(errno) => return Step::Failed(Problem::System(errno)),
            }
            if self.have == HEADER {
                if let Err(problem) = self.check_header() {
                    self.stage = Stage::Failed;
                    return Step::Failed(problem);
                }
                self.len = usize::from(self.header[3]) << 8 | usize::from(self.header[4]);
                self.body.clear();
                if self.body.try_reserve(self.len).is_err() {
                    return Step::Failed(Problem::NoMemory);
                }
            }
        }
        self.have = 0;
        self.process()
    }

    /// Is it a header of a record at all?
    fn check_header(&self) -> Result<(), Problem> {
        let [kind, major, _, high, low] = self.header;
        let len = usize::from(high) << 8 | usize::from(low);
        if (20..=24).contains(&kind) && major == 3 {
            return if len <= LONGEST {
                Ok(())
            } else {
                Err(Problem::ssl("PACKET_LENGTH_TOO_LONG"))
            };
        }
        let methods: [&[u8]; 4] = [b"GET ", b"POST", b"HEAD", b"PUT "];
        Err(
            if methods.iter().any(|word| self.header.starts_with(word)) {
                Problem::ssl("HTTP_REQUEST")
            } else if self.header.starts_with(b"CONNE") {
                Problem::ssl("HTTPS_PROXY_REQUEST")
            } else {
                Problem::ssl("WRONG_VERSION_NUMBER")
            },
        )
    }

    /// Gives a whole record to the library.
    fn process(&mut self) -> Step {
        let Engine {
            stage,
            header,
            body,
            probe,
            ..
        } = self;
        let error = match stage {
            Stage::Accepting(acceptor) => {
                let fed = feed(header, body, |parts| acceptor.read_tls(parts));
                match fed.map_or_else(|| acceptor.accept(), |_| Ok(None)) {
                    Ok(None) => None,
                    Ok(Some(accepted)) => {
                        *stage = Stage::Greeted(Box::new(accepted));
                        None
                    }
                    Err((error, mut alert)) => {
                        let _ = alert.write_all(&mut self.output);
                        *stage = Stage::Failed;
                        Some(problem::of_error(&error))
                    }
                }
            }
            Stage::Open(connection) => probed(probe, || {
                feed(header, body, |parts| connection.read_tls(parts)).or_else(|| match connection
                    .process_new_packets()
                {
                    Ok(state) => {
                        self.plain = state.plaintext_bytes_to_read();
                        self.closed_by_peer = state.peer_has_closed();
                        None
                    }
                    Err(error) => Some(problem::of_error(&error)),
                })
            }),
            Stage::Greeted(_) | Stage::Failed => Some(Problem::ssl("UNEXPECTED_MESSAGE")),
        };
        body.clear();
        match error {
            None => Step::Done(0),
            Some(Problem::Verification(..)) if probe.failure.is_some() => {
                let (code, text) = probe.failure.take().unwrap_or_default();
                Step::Failed(Problem::Verification(code, text))
            }
            Some(problem) => Step::Failed(problem),
        }
    }

    /// As [`Engine::take_record`]; a failure's alert is sent if that is possible at once.
    fn advance(&mut self, transport: &mut dyn Transport) -> Step {
        let step = self.take_record(transport);
        if matches!(step, Step::Failed(_)) {
            self.flush(transport);
        }
        step
    }

    /// Goes on with the handshake.
    pub fn handshake(&mut self, transport: &mut dyn Transport) -> Step {
        if self.eof {
            return Step::Failed(Problem::Eof);
        }
        loop {
            done!(self.flush(transport));
            match &self.stage {
                Stage::Open(connection) if !connection.is_handshaking() => {
                    self.handshake_done = true;
                    return Step::Done(0);
                }
                Stage::Greeted(_) => return Step::Greeted,
                Stage::Failed => return Step::Failed(Problem::ssl("SSL_HANDSHAKE_FAILURE")),
                _ => {}
            }
            done!(self.advance(transport));
        }
    }

    /// Data of the other end.
    pub fn read(&mut self, transport: &mut dyn Transport, into: &mut [u8]) -> Step {
        if !self.handshake_done {
            done!(self.handshake(transport));
        }
        loop {
            let Stage::Open(connection) = &mut self.stage else {
                return Step::Failed(Problem::ssl("SSL_HANDSHAKE_FAILURE"));
            };
            match connection.reader().read(into) {
                Ok(0) if !into.is_empty() => return Step::Closed,
                Ok(count) => {
                    self.plain -= count.min(self.plain);
                    return Step::Done(count);
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return Step::Failed(Problem::Eof),
            }
            done!(self.advance(transport));
            // Answers, such as to an update of keys; they can wait.
            if let Step::Failed(problem) = self.flush(transport) {
                return Step::Failed(problem);
            }
        }
    }

    /// Data for the other end: one portion, which is sent as a whole before this is done. While it is not, the caller comes back
    /// with the same data.
    pub fn write(&mut self, transport: &mut dyn Transport, data: &[u8]) -> Step {
        if !self.handshake_done {
            done!(self.handshake(transport));
        }
        if self.closed_by_us {
            return Step::Failed(Problem::ssl("PROTOCOL_IS_SHUTDOWN"));
        }
        if self.eof {
            return Step::Failed(Problem::Eof);
        }
        done!(self.flush(transport));
        if self.accepted == 0 {
            let Stage::Open(connection) = &mut self.stage else {
                return Step::Failed(Problem::ssl("SSL_HANDSHAKE_FAILURE"));
            };
            let portion = data.get(..PORTION).unwrap_or(data);
            match connection.writer().write(portion) {
                Ok(count) => self.accepted = count,
                Err(_) => return Step::Failed(Problem::ssl("PROTOCOL_IS_SHUTDOWN")),
            }
            done!(self.flush(transport));
        }
        let count = std::mem::take(&mut self.accepted);
        if count > data.len() {
            return Step::Failed(Problem::ssl("BAD_WRITE_RETRY"));
        }
        Step::Done(count)
    }

    /// Closes in order: tells the other end, and waits for its answer.
    pub fn shutdown(&mut self, transport: &mut dyn Transport) -> Step {
        if !self.handshake_done {
            return Step::Failed(Problem::ssl("SHUTDOWN_WHILE_IN_INIT"));
        }
        if let (false, Stage::Open(connection)) = (self.closed_by_us, &mut self.stage) {
            connection.send_close_notify();
            self.closed_by_us = true;
        }
        done!(self.flush(transport));
        loop {
            if self.closed_by_peer {
                return Step::Done(0);
            }
            if self.plain > 0 {
                return Step::Failed(Problem::ssl("APPLICATION_DATA_AFTER_CLOSE_NOTIFY"));
            }
            done!(self.advance(transport));
        }
    }

    /// Did only the other end close?
    pub fn is_half_closed(&self) -> bool {
        !self.closed_by_us
    }

    /// Bytes that can be read without a record.
    pub fn pending(&self) -> usize {
        self.plain
    }
}
