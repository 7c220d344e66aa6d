//! `termios`: settings of terminals.

use crate::ModuleDef;
use crate::path::{c_int, errno, fileno};
use crate::support::add;
use std::mem::MaybeUninit;
use taipan_core::latch::Latch;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Py, Raised, Type, Value, Vm, builtin_types, f1, f2, slice};
use taipan_types::bytes::{bytes_of, new_bytes};
use taipan_types::exceptions::os_error::strerror;
use taipan_types::list::{list_of, new_list};

static FUNCTIONS: [MethodDef; 8] = [
    f1(
        "tcgetattr($module, fd, /)",
        tcgetattr,
        "A terminal's settings: [iflag, oflag, cflag, lflag, ispeed, ospeed, cc].",
    ),
    slice(
        "tcsetattr($module, fd, when, attributes, /)",
        tcsetattr,
        "Set a terminal's settings, as tcgetattr() gives them.",
    ),
    f2(
        "tcsendbreak($module, fd, duration, /)",
        |vm, _, fd, duration| {
            let (fd, duration) = (fileno(vm, fd)?, c_int(vm, duration)?);
            // SAFETY: a plain call.
            let result = unsafe { libc::tcsendbreak(fd, duration) };
            done(vm, result)
        },
        "Send a break.",
    ),
    f1(
        "tcdrain($module, fd, /)",
        |vm, _, fd| {
            let fd = fileno(vm, fd)?;
            // SAFETY: a plain call.
            let result = vm.detached(|| unsafe { libc::tcdrain(fd) });
            done(vm, result)
        },
        "Wait until all output has been sent.",
    ),
    f2(
        "tcflush($module, fd, queue, /)",
        |vm, _, fd, queue| {
            let (fd, queue) = (fileno(vm, fd)?, c_int(vm, queue)?);
            // SAFETY: a plain call.
            let result = unsafe { libc::tcflush(fd, queue) };
            done(vm, result)
        },
        "Throw queued data away.",
    ),
    f2(
        "tcflow($module, fd, action, /)",
        |vm, _, fd, action| {
            let (fd, action) = (fileno(vm, fd)?, c_int(vm, action)?);
            // SAFETY: a plain call.
            let result = unsafe { libc::tcflow(fd, action) };
            done(vm, result)
        },
        "Stop or start input or output.",
    ),
    f1(
        "tcgetwinsize($module, fd, /)",
        tcgetwinsize,
        "A terminal's size as (rows, columns).",
    ),
    f2(
        "tcsetwinsize($module, fd, winsize, /)",
        tcsetwinsize,
        "Set a terminal's size to (rows, columns).",
    ),
];

/// The module `termios`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "termios",
    doc: "Settings of terminals.",
    functions: &FUNCTIONS,
    init,
};

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

#[cfg(target_os = "linux")]
static NUMBERS: &[(&str, i64)] = numbers! {
    B0 B1000000 B110 B115200 B1152000 B1200 B134 B150 B1500000 B1800 B19200 B200 B2000000 B230400 B2400 B2500000
    B300 B3000000 B3500000 B38400 B4000000 B460800 B4800 B50 B500000 B57600 B576000 B600 B75 B921600 B9600
    BRKINT BS0 BS1 BSDLY CBAUD CBAUDEX CIBAUD CLOCAL CR0 CR1 CR2 CR3 CRDLY CREAD CRTSCTS CS5 CS6 CS7 CS8 CSIZE
    CSTOPB ECHO ECHOCTL ECHOE ECHOK ECHOKE ECHONL ECHOPRT EXTA EXTB EXTPROC FF0 FF1 FFDLY FIOASYNC FIOCLEX
    FIONBIO FIONCLEX FIONREAD FLUSHO HUPCL IBSHIFT ICANON ICRNL IEXTEN IGNBRK IGNCR IGNPAR IMAXBEL INLCR INPCK
    ISIG ISTRIP IUCLC IUTF8 IXANY IXOFF IXON NCCS NL0 NL1 NLDLY NOFLSH OCRNL OFDEL OFILL OLCUC ONLCR ONLRET
    ONOCR OPOST PARENB PARMRK PARODD PENDIN TAB0 TAB1 TAB2 TAB3 TABDLY TCFLSH TCGETS TCIFLUSH TCIOFF TCIOFLUSH
    TCION TCOFLUSH TCOOFF TCOON TCSADRAIN TCSAFLUSH TCSANOW TCSBRK TCSBRKP TCSETS TCSETSF TCSETSW TCXONC
    TIOCCONS TIOCEXCL TIOCGETD TIOCGICOUNT TIOCGLCKTRMIOS TIOCGPGRP TIOCGSERIAL TIOCGSOFTCAR TIOCGWINSZ TIOCINQ
    TIOCLINUX TIOCMBIC TIOCMBIS TIOCMGET TIOCMIWAIT TIOCMSET TIOCM_CAR TIOCM_CD TIOCM_CTS TIOCM_DSR TIOCM_DTR
    TIOCM_LE TIOCM_RI TIOCM_RNG TIOCM_RTS TIOCM_SR TIOCM_ST TIOCNOTTY TIOCNXCL TIOCOUTQ TIOCPKT
          TIOCSCTTY
    TIOCSERCONFIG TIOCSERGETLSR TIOCSERGETMULTI TIOCSERGSTRUCT TIOCSERGWILD TIOCSERSETMULTI TIOCSERSWILD
    TIOCSETD TIOCSLCKTRMIOS TIOCSPGRP TIOCSSERIAL TIOCSSOFTCAR TIOCSTI TIOCSWINSZ TOSTOP VDISCARD VEOF VEOL
    VEOL2 VERASE VINTR VKILL VLNEXT VMIN VQUIT VREPRINT VSTART VSTOP VSUSP VSWTC VT0 VT1 VTDLY VTIME VWERASE
    XCASE XTABS _POSIX_VDISABLE
};

/// Numbers that the C library has no Rust name for.
#[cfg(target_os = "linux")]
static OTHERS: &[(&str, i64)] = &[
    ("TIOCPKT_STOP", 4),
    ("TIOCPKT_START", 8),
    ("TIOCPKT_NOSTOP", 16),
    ("TIOCPKT_FLUSHWRITE", 2),
    ("TIOCPKT_FLUSHREAD", 1),
    ("TIOCPKT_DOSTOP", 32),
    ("TIOCPKT_DATA", 0),
    ("CDSUSP", 25),
    ("CEOF", 4),
    ("CEOL", 0),
    ("CEOT", 4),
    ("CERASE", 127),
    ("CFLUSH", 15),
    ("CINTR", 3),
    ("CKILL", 21),
    ("CLNEXT", 22),
    ("CQUIT", 28),
    ("CRPRNT", 18),
    ("CSTART", 17),
    ("CSTOP", 19),
    ("CSUSP", 26),
    ("CWERASE", 23),
    ("IOCSIZE_MASK", 1073676288),
    ("IOCSIZE_SHIFT", 16),
    ("N_MOUSE", 2),
    ("N_PPP", 3),
    ("N_SLIP", 1),
    ("N_STRIP", 4),
    ("N_TTY", 0),
    ("TIOCSER_TEMT", 1),
    ("VSWTCH", 7),
];

#[cfg(not(target_os = "linux"))]
static NUMBERS: &[(&str, i64)] = numbers! {
    BRKINT CLOCAL CREAD CS5 CS6 CS7 CS8 CSIZE CSTOPB ECHO ECHOE ECHOK ECHONL HUPCL ICANON ICRNL IEXTEN IGNBRK
    IGNCR IGNPAR INLCR INPCK ISIG ISTRIP IXANY IXOFF IXON NCCS NOFLSH ONLCR OPOST PARENB PARMRK PARODD TCIFLUSH
    TCIOFF TCIOFLUSH TCION TCOFLUSH TCOOFF TCOON TCSADRAIN TCSAFLUSH TCSANOW TIOCGWINSZ TIOCSWINSZ TOSTOP VEOF
    VEOL VERASE VINTR VKILL VMIN VQUIT VSTART VSTOP VSUSP VTIME
};

#[cfg(not(target_os = "linux"))]
static OTHERS: &[(&str, i64)] = &[];

#[derive(Default)]
struct ErrorClass(Latch<Option<Value>>);

fn error_class(vm: &mut Vm) -> Py {
    if let Some(class) = &*vm.interpreter_state::<ErrorClass>().0.borrow() {
        return Ok(class.clone());
    }
    let namespace = taipan_core::dict_object::new_dict();
    add(&namespace, "__module__", new_str("termios"));
    let bases = new_tuple([builtin_types::EXCEPTION.to_value()]);
    let class = vm.call(
        &builtin_types::TYPE.to_value(),
        &[new_str("error"), bases, namespace],
    )?;
    *vm.interpreter_state::<ErrorClass>().0.borrow_mut() = Some(class.clone());
    Ok(class)
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    for (text, number) in NUMBERS.iter().chain(OTHERS) {
        add(dict, text, Value::int(*number));
    }
    let class = error_class(vm)?;
    add(dict, "error", class);
    Ok(())
}

#[cold]
fn fail(vm: &mut Vm) -> Raised {
    let error = errno();
    match error_class(vm) {
        Ok(class) => vm.raise_with(
            class.expect::<Type>(),
            &[Value::from_i32(error), new_str(&strerror(error))],
        ),
        Err(raised) => raised,
    }
}

fn done(vm: &mut Vm, result: i32) -> Py {
    if result < 0 {
        Err(fail(vm))
    } else {
        Ok(Value::none())
    }
}

fn settings(vm: &mut Vm, fd: i32) -> Py<libc::termios> {
    let mut mode = MaybeUninit::<libc::termios>::zeroed();
    // SAFETY: room for the result.
    if unsafe { libc::tcgetattr(fd, mode.as_mut_ptr()) } < 0 {
        return Err(fail(vm));
    }
    // SAFETY: filled by the call.
    Ok(unsafe { mode.assume_init() })
}

fn tcgetattr(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = fileno(vm, fd)?;
    let mode = settings(vm, fd)?;
    // SAFETY: plain queries of a structure that is ours.
    let (input, output) = unsafe { (libc::cfgetispeed(&mode), libc::cfgetospeed(&mode)) };
    let mut characters = Vec::with_capacity(mode.c_cc.len());
    for (at, character) in mode.c_cc.iter().enumerate() {
        // Without line editing these two are a number and a time.
        let is_number = mode.c_lflag & libc::ICANON == 0 && (at == libc::VMIN || at == libc::VTIME);
        characters.push(if is_number {
            Value::int((*character).into())
        } else {
            new_bytes(vm, &[*character])?
        });
    }
    let flags = [
        mode.c_iflag,
        mode.c_oflag,
        mode.c_cflag,
        mode.c_lflag,
        input,
        output,
    ];
    let mut row: Vec<Value> = flags
        .iter()
        .map(|flag| Value::int(i64::from(*flag)))
        .collect();
    row.push(new_list(characters));
    Ok(new_list(row))
}

fn tcsetattr(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = fileno(vm, &args[0])?;
    let when = c_int(vm, &args[1])?;
    let wrong = "tcsetattr, arg 3: must be 7 element list";
    if list_of(&args[2]).is_none() {
        return Err(vm.type_error(wrong));
    }
    let row = vm.to_vec(&args[2])?;
    let [
        input,
        output,
        control,
        local,
        input_speed,
        output_speed,
        characters,
    ] = &row[..]
    else {
        return Err(vm.type_error(wrong));
    };
    let mut mode = settings(vm, fd)?;
    mode.c_iflag = flag(vm, input)?;
    mode.c_oflag = flag(vm, output)?;
    mode.c_cflag = flag(vm, control)?;
    mode.c_lflag = flag(vm, local)?;
    let (input_speed, output_speed) = (flag(vm, input_speed)?, flag(vm, output_speed)?);
    let count = mode.c_cc.len();
    let wrong = format!("tcsetattr: attributes[6] must be {count} element list");
    if list_of(characters).is_none() {
        return Err(vm.type_error(wrong));
    }
    let characters = vm.to_vec(characters)?;
    if characters.len() != count {
        return Err(vm.type_error(wrong));
    }
    for (place, value) in mode.c_cc.iter_mut().zip(&characters) {
        *place = match bytes_of(value) {
            Some([byte]) => *byte,
            _ if value.is_int() => vm.index_i64(value)? as u8,
            _ => {
                return Err(vm.type_error(
                    "tcsetattr: elements of attributes must be characters or integers",
                ));
            }
        };
    }
    // SAFETY: structures that are ours.
    let result = unsafe {
        if libc::cfsetispeed(&mut mode, input_speed as libc::speed_t) < 0
            || libc::cfsetospeed(&mut mode, output_speed as libc::speed_t) < 0
        {
            -1
        } else {
            libc::tcsetattr(fd, when, &mode)
        }
    };
    done(vm, result)
}

fn flag(vm: &mut Vm, value: &Value) -> Py<libc::tcflag_t> {
    Ok(vm.index_i64(value)? as libc::tcflag_t)
}

fn window(vm: &mut Vm, fd: i32) -> Py<libc::winsize> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: room for the result.
    if unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, size.as_mut_ptr()) } < 0 {
        return Err(fail(vm));
    }
    // SAFETY: filled by the call.
    Ok(unsafe { size.assume_init() })
}

fn tcgetwinsize(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = fileno(vm, fd)?;
    let size = window(vm, fd)?;
    Ok(new_tuple([
        Value::int(size.ws_row.into()),
        Value::int(size.ws_col.into()),
    ]))
}

fn tcsetwinsize(vm: &mut Vm, _module: &Value, fd: &Value, size: &Value) -> Py {
    let fd = fileno(vm, fd)?;
    if size.type_of().slots().get_item.is_none() {
        return Err(vm.type_error("tcsetwinsize, arg 2: must be a two-item sequence"));
    }
    let row = vm.to_vec(size)?;
    let [rows, columns] = &row[..] else {
        return Err(vm.type_error("tcsetwinsize, arg 2: must be a two-item sequence"));
    };
    let (rows, columns) = (vm.index_i64(rows)?, vm.index_i64(columns)?);
    let (Ok(rows), Ok(columns)) = (u16::try_from(rows), u16::try_from(columns)) else {
        return Err(vm.overflow_error("winsize value(s) out of range"));
    };
    let mut window = window(vm, fd)?;
    (window.ws_row, window.ws_col) = (rows, columns);
    // SAFETY: the structure is ours.
    let result = unsafe { libc::ioctl(fd, libc::TIOCSWINSZ, &window) };
    done(vm, result)
}
