package sqlite

import (
	"errors"
	"os"
)

func killSelf() error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return self.Kill()
}

func limitFileSize(uint64) error { return errors.ErrUnsupported }
