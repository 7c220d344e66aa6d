//! Products, quotients and powers of complex numbers, with C's rules (Annex G) for infinities.

/// Real and imaginary part.
pub type Parts = (f64, f64);

/// Why there is no power.
pub enum PowerError {
    /// Zero to a negative or complex power.
    Zero,
    /// The result is too large.
    Overflow,
}

/// 1 or 0 with the sign of `x`: what is left of an infinite or a finite part beside an infinite one.
fn unit(x: f64) -> f64 {
    (if x.is_infinite() { 1.0f64 } else { 0.0 }).copysign(x)
}

/// NaN counts as zero beside an infinite factor.
fn no_nan(x: f64) -> f64 {
    if x.is_nan() { 0.0f64.copysign(x) } else { x }
}

fn is_infinite((x, y): Parts) -> bool {
    x.is_infinite() || y.is_infinite()
}

fn is_finite((x, y): Parts) -> bool {
    x.is_finite() && y.is_finite()
}

/// `a * b`
pub fn product(a: Parts, b: Parts) -> Parts {
    let (ac, bd, ad, bc) = (a.0 * b.0, a.1 * b.1, a.0 * b.1, a.1 * b.0);
    let result = (ac - bd, ad + bc);
    if !(result.0.is_nan() && result.1.is_nan()) {
        return result;
    }
    infinite_product(a, b, [ac, bd, ad, bc]).unwrap_or(result)
}

/// A product that came out as NaN though a factor or a partial product is infinite.
#[cold]
fn infinite_product(mut a: Parts, mut b: Parts, partial: [f64; 4]) -> Option<Parts> {
    let mut again = false;
    if is_infinite(a) {
        a = (unit(a.0), unit(a.1));
        b = (no_nan(b.0), no_nan(b.1));
        again = true;
    }
    if is_infinite(b) {
        b = (unit(b.0), unit(b.1));
        a = (no_nan(a.0), no_nan(a.1));
        again = true;
    }
    if !again && partial.iter().any(|x| x.is_infinite()) {
        a = (no_nan(a.0), no_nan(a.1));
        b = (no_nan(b.0), no_nan(b.1));
        again = true;
    }
    let result = (
        f64::INFINITY * (a.0 * b.0 - a.1 * b.1),
        f64::INFINITY * (a.0 * b.1 + a.1 * b.0),
    );
    again.then_some(result)
}

/// `a / b`; `None` if `b` is zero. Smith's method: scales by the larger part of the divisor.
pub fn quotient(a: Parts, b: Parts) -> Option<Parts> {
    let (size_real, size_imag) = (b.0.abs(), b.1.abs());
    let result = if size_real >= size_imag {
        if size_real == 0.0 {
            return None;
        }
        let ratio = b.1 / b.0;
        let divisor = b.0 + b.1 * ratio;
        ((a.0 + a.1 * ratio) / divisor, (a.1 - a.0 * ratio) / divisor)
    } else if size_imag >= size_real {
        let ratio = b.0 / b.1;
        let divisor = b.0 * ratio + b.1;
        ((a.0 * ratio + a.1) / divisor, (a.1 * ratio - a.0) / divisor)
    } else {
        (f64::NAN, f64::NAN)
    };
    if result.0.is_nan() && result.1.is_nan() {
        if is_infinite(a) && is_finite(b) {
            let (x, y) = (unit(a.0), unit(a.1));
            return Some((
                f64::INFINITY * (x * b.0 + y * b.1),
                f64::INFINITY * (y * b.0 - x * b.1),
            ));
        }
        if is_infinite(b) && is_finite(a) {
            let (x, y) = (unit(b.0), unit(b.1));
            return Some((0.0 * (a.0 * x + a.1 * y), 0.0 * (a.1 * x - a.0 * y)));
        }
    }
    Some(result)
}

/// `a / b` of a real number `a`.
pub fn real_quotient(a: f64, b: Parts) -> Option<Parts> {
    let (size_real, size_imag) = (b.0.abs(), b.1.abs());
    let result = if size_real >= size_imag {
        if size_real == 0.0 {
            return None;
        }
        let ratio = b.1 / b.0;
        let divisor = b.0 + b.1 * ratio;
        (a / divisor, (-a * ratio) / divisor)
    } else if size_imag >= size_real {
        let ratio = b.0 / b.1;
        let divisor = b.0 * ratio + b.1;
        ((a * ratio) / divisor, -a / divisor)
    } else {
        (f64::NAN, f64::NAN)
    };
    if result.0.is_nan() && result.1.is_nan() && is_infinite(b) && a.is_finite() {
        let (x, y) = (unit(b.0), unit(b.1));
        return Some((0.0 * (a * x), 0.0 * (-a * y)));
    }
    Some(result)
}

/// `a ** b`
pub fn power(a: Parts, b: Parts) -> Result<Parts, PowerError> {
    // Whole exponents of moderate size by multiplication, which is more exact.
    const MOST: f64 = 100.0;
    let result = if b.1 == 0.0 && b.0 == b.0.floor() && b.0.abs() <= MOST {
        let size = b.0.abs() as u32;
        let whole = whole_power(a, size);
        if b.0 < 0.0 {
            real_or_one_over(whole).ok_or(PowerError::Zero)?
        } else {
            whole
        }
    } else {
        polar_power(a, b)?
    };
    if is_finite(result) || !is_finite(a) || !is_finite(b) {
        return Ok(result);
    }
    if is_infinite(result) {
        return Err(PowerError::Overflow);
    }
    Ok(result)
}

fn real_or_one_over(a: Parts) -> Option<Parts> {
    quotient((1.0, 0.0), a)
}

fn whole_power(a: Parts, exponent: u32) -> Parts {
    let mut result = (1.0, 0.0);
    let mut square = a;
    let mut mask = 1;
    while mask > 0 && exponent >= mask {
        if exponent & mask != 0 {
            result = product(result, square);
        }
        mask <<= 1;
        square = product(square, square);
    }
    result
}

fn polar_power(a: Parts, b: Parts) -> Result<Parts, PowerError> {
    if b == (0.0, 0.0) {
        return Ok((1.0, 0.0));
    }
    if a == (0.0, 0.0) {
        if b.1 != 0.0 || b.0 < 0.0 {
            return Err(PowerError::Zero);
        }
        return Ok((0.0, 0.0));
    }
    let size = a.0.hypot(a.1);
    let angle = a.1.atan2(a.0);
    let mut length = size.powf(b.0);
    let mut phase = angle * b.0;
    if b.1 != 0.0 {
        length *= (-angle * b.1).exp();
        phase += b.1 * size.ln();
    }
    Ok((length * phase.cos(), length * phase.sin()))
}
