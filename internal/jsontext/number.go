package jsontext

import (
	"math"
	"strconv"
)

// smallNumbers are the numbers met most, ready in their interfaces: putting a
// float64 into an any costs an allocation.
var smallNumbers = func() (n [256]any) {
	for i := range n {
		n[i] = float64(i)
	}
	return n
}()

// exactDigits is how many decimal digits always fit a double exactly.
const exactDigits = 15

// number reads the number that starts at pos.
func (p *parser) number() (any, *Error) {
	start := p.pos
	negative := p.take('-')
	first := p.pos
	integer := uint64(0)
	for p.pos < len(p.text) && isDigit(p.text[p.pos]) {
		integer = integer*10 + uint64(p.text[p.pos]-'0')
		p.pos++
	}
	digits := p.pos - first
	if digits == 0 {
		return nil, p.unexpected("a digit")
	}
	if digits > 1 && p.text[first] == '0' {
		return nil, p.syntax(first, "a number must not start with 0")
	}
	plain, err := p.fractionAndExponent()
	if err != nil {
		return nil, err
	}
	if !plain || digits > exactDigits {
		// An error can only be ErrRange: the value is then ±Inf, as in JavaScript.
		f, _ := strconv.ParseFloat(p.text[start:p.pos], 64)
		return f, nil
	}
	if negative {
		return -float64(integer), nil
	}
	if integer < uint64(len(smallNumbers)) {
		return smallNumbers[integer], nil
	}
	return float64(integer), nil
}

// fractionAndExponent reads on after the integer digits; plain means that
// there was neither.
func (p *parser) fractionAndExponent() (plain bool, err *Error) {
	plain = true
	if p.take('.') {
		plain = false
		if err := p.digits(); err != nil {
			return false, err
		}
	}
	if p.take('e') || p.take('E') {
		plain = false
		if !p.take('+') {
			p.take('-')
		}
		if err := p.digits(); err != nil {
			return false, err
		}
	}
	return plain, nil
}

// digits reads one digit or more.
func (p *parser) digits() *Error {
	if p.pos == len(p.text) || !isDigit(p.text[p.pos]) {
		return p.unexpected("a digit")
	}
	for p.pos < len(p.text) && isDigit(p.text[p.pos]) {
		p.pos++
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// appendNumber appends f by ECMAScript's Number-to-String; what JSON cannot
// say (NaN, infinities) is null.
func appendNumber(dst []byte, f float64) []byte {
	if integer := int64(f); float64(integer) == f && -1<<53 < integer && integer < 1<<53 {
		return strconv.AppendInt(dst, integer, 10) // -0 too: JavaScript prints 0
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	if abs := math.Abs(f); 1e-6 <= abs && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// Go writes at least two digits of exponent, JavaScript no leading zero.
	if n := len(dst); dst[n-2] == '0' && !isDigit(dst[n-3]) {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}
