//! Where records come from and go to: a socket's descriptor, or two buffers in memory.

use super::engine::{Received, Sent, Transport};
use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A connected socket.
pub struct Descriptor(pub i32);

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

#[cfg(target_os = "linux")]
const FLAGS: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const FLAGS: i32 = libc::MSG_DONTWAIT;

#[expect(unsafe_code, reason = "system calls")]
impl Transport for Descriptor {
    fn receive(&mut self, into: &mut [u8]) -> Received {
        loop {
            // SAFETY: memory with its length.
            let count = unsafe {
                libc::recv(
                    self.0,
                    into.as_mut_ptr().cast(),
                    into.len(),
                    libc::MSG_DONTWAIT,
                )
            };
            match usize::try_from(count) {
                Ok(0) => return Received::Eof,
                Ok(count) => return Received::Bytes(count),
                Err(_) => match errno() {
                    libc::EINTR => {}
                    libc::EAGAIN => return Received::WouldBlock,
                    errno => return Received::Failed(errno),
                },
            }
        }
    }

    fn send(&mut self, data: &[u8]) -> Sent {
        loop {
            // SAFETY: memory with its length.
            let count = unsafe { libc::send(self.0, data.as_ptr().cast(), data.len(), FLAGS) };
            match usize::try_from(count) {
                Ok(count) => return Sent::Bytes(count),
                Err(_) => match errno() {
                    libc::EINTR => {}
                    libc::EAGAIN => return Sent::WouldBlock,
                    errno => return Sent::Failed(errno),
                },
            }
        }
    }
}

/// The content of a `MemoryBIO`.
#[derive(Default, Debug)]
pub struct Memory {
    pub data: VecDeque<u8>,
    pub eof: bool,
}

pub type SharedMemory = Arc<Mutex<Memory>>;

/// The content, to look at or to change. Nothing that runs Python happens under it.
pub fn open(memory: &SharedMemory) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two buffers: what came in, what is to go out.
pub struct Buffers {
    pub incoming: SharedMemory,
    pub outgoing: SharedMemory,
}

impl Transport for Buffers {
    fn receive(&mut self, into: &mut [u8]) -> Received {
        let mut memory = open(&self.incoming);
        match memory.data.read(into) {
            Ok(0) if memory.eof => Received::Eof,
            Ok(0) | Err(_) => Received::WouldBlock,
            Ok(count) => Received::Bytes(count),
        }
    }

    fn send(&mut self, data: &[u8]) -> Sent {
        let mut memory = open(&self.outgoing);
        if memory.data.try_reserve(data.len()).is_err() {
            return Sent::Failed(libc::ENOMEM);
        }
        memory.data.extend(data);
        Sent::Bytes(data.len())
    }
}
