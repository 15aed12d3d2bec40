//! Frames: how a lane cuts what it says into pieces, without IO.
//!
//! A frame is a header of 32 bytes, little-endian, and a payload of at most [`MOST`] bytes:
//!
//! `len u32 | kind u8 | flags u8 | exchange u16 | from u16 | to u16 | seq u64 | interval u64 | crc32c u32`
//!
//! `len` is that of the payload, `crc32c` is over the rest of the header and the payload. Zeros follow the payload up to a
//! multiple of 16, so that in a buffer whose start is aligned every payload is as well, and can be read in place.
//!
//! Nothing is believed: length and kind are looked at before memory is taken for a payload, and the checksum before a frame is
//! handed out.
use crate::exchange::message::{HEADER, Kind, Message};
use crate::exchange::session::{Attempt, Hello, Packet};
use bytes::{Buf, Bytes, BytesMut};

/// The greatest payload, in bytes.
pub const MOST: usize = 16 << 20;
/// Payloads begin at multiples of this.
const ALIGNMENT: usize = 16;
/// A shorter payload is copied, so that what waits for its reader does not keep a whole buffer of others alive.
const COPIED: usize = 8 << 10;
/// How much is read at a time.
const CHUNK: usize = 256 << 10;

const DATA: u8 = 1;
const CREDIT: u8 = 2;
const SPLITS: u8 = 3;
const ARRIVED: u8 = 4;
const STATE: u8 = 5;
const GIVEN: u8 = 6;
const ENDED: u8 = 7;
const HELLO: u8 = 16;
const ACK: u8 = 17;
const CONTROL: u8 = 18;
const PING: u8 = 19;

/// What goes over a connection, behind the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A packet of a session.
    Packet(Packet<Message>),
    /// A message of the control lane.
    Control(Bytes),
    /// The sender is there.
    Ping,
}

/// Why bytes are no frame, or something does not fit into one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The payload is too large.
    #[error("a frame has {bytes} bytes, and at most {MOST} are allowed; send smaller records")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// The frame is of no kind that this version knows.
    #[error(
        "a frame is of the unknown kind {kind} with flags {flags}; the other end speaks another protocol, or bytes were lost or \
         changed on the way"
    )]
    Unknown {
        /// The kind.
        kind: u8,
        /// The flags.
        flags: u8,
    },
    /// The checksum differs.
    #[error(
        "a frame was changed on the way: its checksum is {found:08x}, and {expected:08x} was sent; check the network"
    )]
    Checksum {
        /// What the header says.
        expected: u32,
        /// What there is.
        found: u32,
    },
    /// It belongs to another lane.
    #[error(
        "a frame of {what} has come on a connection for something else; the other end runs another version of Malstrom"
    )]
    Lane {
        /// What it belongs to.
        what: &'static str,
    },
    /// Its contents make no sense.
    #[error("a frame of kind {kind} cannot be read: {what}; the other end runs another version of Malstrom")]
    Malformed {
        /// The kind.
        kind: u8,
        /// What is wrong with it.
        what: String,
    },
}

/// What a greeting has, as it is encoded.
type Greeting = (u64, u64, [u32; 2], u64, Option<u64>, u64, u64, u64, u64);

struct Header {
    len: usize,
    kind: u8,
    exchange: u16,
    from: u16,
    to: u16,
    seq: u64,
    interval: u64,
    crc: u32,
}
impl Header {
    const fn of(kind: u8) -> Header {
        Header { len: 0, kind, exchange: 0, from: 0, to: 0, seq: 0, interval: 0, crc: 0 }
    }
    /// The whole frame, behind what is in `into`.
    fn write(self, payload: &[u8], into: &mut Vec<u8>) -> Result<(), FrameError> {
        let len = u32::try_from(payload.len()).ok().filter(|len| *len as usize <= MOST);
        let Some(len) = len else { return Err(FrameError::TooLarge { bytes: payload.len() as u64 }) };
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(&len.to_le_bytes());
        header[4] = self.kind;
        header[6..8].copy_from_slice(&self.exchange.to_le_bytes());
        header[8..10].copy_from_slice(&self.from.to_le_bytes());
        header[10..12].copy_from_slice(&self.to.to_le_bytes());
        header[12..20].copy_from_slice(&self.seq.to_le_bytes());
        header[20..28].copy_from_slice(&self.interval.to_le_bytes());
        let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..28]), payload);
        header[28..].copy_from_slice(&crc.to_le_bytes());
        into.extend_from_slice(&header);
        into.extend_from_slice(payload);
        into.resize(into.len() + padding(payload.len()), 0);
        Ok(())
    }
    /// What a header says, if a frame can begin with it.
    fn read(mut bytes: &[u8]) -> Result<Header, FrameError> {
        let len = bytes.get_u32_le() as usize;
        let (kind, flags) = (bytes.get_u8(), bytes.get_u8());
        if flags != 0 || !matches!(kind, DATA..=ENDED | HELLO..=PING) {
            return Err(FrameError::Unknown { kind, flags });
        }
        if len > MOST {
            return Err(FrameError::TooLarge { bytes: len as u64 });
        }
        Ok(Header {
            len,
            kind,
            exchange: bytes.get_u16_le(),
            from: bytes.get_u16_le(),
            to: bytes.get_u16_le(),
            seq: bytes.get_u64_le(),
            interval: bytes.get_u64_le(),
            crc: bytes.get_u32_le(),
        })
    }
    /// From the beginning of this frame to that of the next one.
    fn frame(&self) -> usize {
        HEADER + self.len + padding(self.len)
    }
    fn message(self, kind: Kind, payload: Bytes) -> Frame {
        let Header { exchange, from, to, seq, interval, .. } = self;
        Frame::Packet(Packet::Frame { seq, frame: Message { kind, exchange, from, to, interval, payload } })
    }
}
fn padding(len: usize) -> usize {
    len.wrapping_neg() % ALIGNMENT
}

/// Adds a frame to a buffer.
///
/// # Errors
/// If its payload is too large. The buffer is then as it was.
///
/// ```
/// use malstrom_core::net::frame::{Decoder, Frame, encode};
/// let mut bytes = Vec::new();
/// encode(&Frame::Control("stop".into()), &mut bytes)?;
/// let mut decoder = Decoder::default();
/// decoder.push(&bytes[..40]);
/// assert_eq!(decoder.decode()?, None);
/// decoder.push(&bytes[40..]);
/// assert_eq!(decoder.decode()?, Some(Frame::Control("stop".into())));
/// # Ok::<(), malstrom_core::net::frame::FrameError>(())
/// ```
pub fn encode(frame: &Frame, into: &mut Vec<u8>) -> Result<(), FrameError> {
    match frame {
        Frame::Packet(packet) => encode_packet(packet, into),
        Frame::Control(payload) => Header::of(CONTROL).write(payload, into),
        Frame::Ping => Header::of(PING).write(&[], into),
    }
}
/// Adds a packet of a session to a buffer.
pub(super) fn encode_packet(packet: &Packet<Message>, into: &mut Vec<u8>) -> Result<(), FrameError> {
    match packet {
        Packet::Hello(hello) => {
            let Hello { attempt: Attempt { term, attempt }, ends, session, peer, received, limit, window, allowance } =
                *hello;
            let greeting: Greeting = (term, attempt, ends, session, peer, received, limit, window, allowance);
            let payload = postcard::to_stdvec(&greeting)
                .map_err(|error| FrameError::Malformed { kind: HELLO, what: error.to_string() })?;
            Header::of(HELLO).write(&payload, into)
        }
        Packet::Frame { seq, frame } => {
            let Message { kind, exchange, from, to, interval, payload } = frame;
            let kind = match kind {
                Kind::Data => DATA,
                Kind::Credit => CREDIT,
                Kind::Splits => SPLITS,
                Kind::Arrived => ARRIVED,
                Kind::State => STATE,
                Kind::Given => GIVEN,
                Kind::Ended => ENDED,
            };
            let header = Header {
                exchange: *exchange,
                from: *from,
                to: *to,
                seq: *seq,
                interval: *interval,
                ..Header::of(kind)
            };
            header.write(payload, into)
        }
        Packet::Ack { received, limit } => {
            Header { seq: *received, interval: *limit, ..Header::of(ACK) }.write(&[], into)
        }
    }
}

/// Makes frames of bytes as they arrive. See [`encode`].
#[derive(Debug, Default)]
pub struct Decoder {
    /// Begins with the next frame.
    buffer: BytesMut,
    /// How much of it is needed before there can be something to hand out.
    needed: usize,
}
impl Decoder {
    /// Adds what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }
    /// Where what arrives can be put, with room for it.
    pub(super) fn space(&mut self) -> &mut BytesMut {
        // A frame that is said to be large does not get its memory before its bytes come.
        let missing = self.needed.saturating_sub(self.buffer.len()).min(self.buffer.len().max(CHUNK));
        let spare = self.buffer.capacity() - self.buffer.len();
        if spare < missing.max(CHUNK / 4) {
            self.buffer.reserve(missing.max(CHUNK));
        }
        &mut self.buffer
    }
    /// The next frame, if all of it is there.
    ///
    /// # Errors
    /// If what is there is no frame. Nothing that follows can be one either, so the connection is to be closed.
    pub fn decode(&mut self) -> Result<Option<Frame>, FrameError> {
        if self.buffer.len() < HEADER {
            self.needed = HEADER;
            return Ok(None);
        }
        let header = Header::read(&self.buffer[..HEADER])?;
        if self.buffer.len() < header.frame() {
            self.needed = header.frame();
            return Ok(None);
        }
        let (payload, rest) = self.buffer[HEADER..header.frame()].split_at(header.len);
        let found = crc32c::crc32c_append(crc32c::crc32c(&self.buffer[..HEADER - 4]), payload);
        if found != header.crc {
            return Err(FrameError::Checksum { expected: header.crc, found });
        }
        if rest.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Malformed {
                kind: header.kind,
                what: "there is something behind its end".to_owned(),
            });
        }
        let payload = if header.len < COPIED {
            let payload = Bytes::copy_from_slice(payload);
            self.buffer.advance(header.frame());
            payload
        } else {
            let mut frame = self.buffer.split_to(header.frame()).freeze();
            frame.advance(HEADER);
            frame.truncate(header.len);
            frame
        };
        Ok(Some(match header.kind {
            DATA => header.message(Kind::Data, payload),
            CREDIT => header.message(Kind::Credit, payload),
            SPLITS => header.message(Kind::Splits, payload),
            ARRIVED => header.message(Kind::Arrived, payload),
            STATE => header.message(Kind::State, payload),
            GIVEN => header.message(Kind::Given, payload),
            ENDED => header.message(Kind::Ended, payload),
            ACK => Frame::Packet(Packet::Ack { received: header.seq, limit: header.interval }),
            HELLO => Frame::Packet(Packet::Hello(hello(&payload)?)),
            PING => Frame::Ping,
            _ => Frame::Control(payload),
        }))
    }
}
fn hello(payload: &[u8]) -> Result<Hello, FrameError> {
    let malformed = |what: String| FrameError::Malformed { kind: HELLO, what };
    let (greeting, rest) =
        postcard::take_from_bytes::<Greeting>(payload).map_err(|error| malformed(error.to_string()))?;
    if !rest.is_empty() {
        return Err(malformed(format!("it is {} bytes too long", rest.len())));
    }
    let (term, attempt, ends, session, peer, received, limit, window, allowance) = greeting;
    Ok(Hello { attempt: Attempt { term, attempt }, ends, session, peer, received, limit, window, allowance })
}
