// Reads texts, one JSON string per line, as the Supervisor reads the configurations that it is offered, with the
// parser that it is built with. Prints for each what is wrong with it, as a JSON string; empty when nothing is.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

func wrongWith(text string) (why string) {
	defer func() {
		if broken := recover(); broken != nil {
			why = fmt.Sprint("panic: ", broken)
		}
	}()
	if err := koanf.New("::").Load(rawbytes.Provider([]byte(text)), yaml.Parser()); err != nil {
		return err.Error()
	}
	return ""
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			panic(err)
		}
		if err := out.Encode(wrongWith(text)); err != nil {
			panic(err)
		}
	}
}
