package service

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"charmd/internal/schedule"
)

// localZone is the IANA name of the machine's time zone, "UTC" when the machine
// does not say it by name.
func localZone() string {
	name := time.Local.String()
	if name == "Local" {
		if target, err := filepath.EvalSymlinks("/etc/localtime"); err == nil {
			_, name, _ = strings.Cut(target, "/zoneinfo/")
		}
	}
	if name == "Local" || name == "" {
		text, _ := os.ReadFile("/etc/timezone") // where it is missing, UTC does
		name = strings.TrimSpace(string(text))
	}
	if _, err := schedule.Zone(name); err != nil || name == "" {
		return "UTC"
	}
	return name
}
