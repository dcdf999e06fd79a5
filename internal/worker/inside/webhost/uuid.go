package webhost

import "github.com/google/uuid"

// UUID is crypto.randomUUID: a version 4 UUID of these random bytes.
func UUID(random [16]byte) string {
	random[6] = random[6]&0x0F | 0x40
	random[8] = random[8]&0x3F | 0x80
	return uuid.UUID(random).String()
}
