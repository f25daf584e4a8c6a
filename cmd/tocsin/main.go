// Command tocsin is the whole program: the platform, and the commands that work
// on its data directory or speak to a running one. This room wires the others
// and steps back.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"tocsin/casebook"
)

// The exit codes, as docs/commands.md promises them.
const (
	exitFailed  = 1 // the work failed; for audit: tampering was found
	exitMisused = 2 // the call was wrong, or the input couldn't be read
)

type commands struct {
	Serve      serveCommand      `cmd:"" help:"Run the platform." group:"Platform"`
	Demo       demoCommand       `cmd:"" help:"Play a made-up country's story on a platform of its own." group:"Platform"`
	Scan       scanCommand       `cmd:"" help:"Find trojans and botnets in telemetry: controllers, bots, botnets, with evidence." group:"Traffic"`
	Sensor     sensorCommand     `cmd:"" help:"Find them in traffic as it comes, and tell a platform." group:"Traffic"`
	Load       loadCommand       `cmd:"" help:"Take deliveries into a data directory or a running platform, durably." group:"Feeds"`
	Parse      parseCommand      `cmd:"" help:"Read one delivery and print its observations, one JSON a line; nothing is kept." group:"Feeds"`
	Feeds      feedsCommand      `cmd:"" help:"List the formats that are read." group:"Feeds"`
	Captures   capturesCommand   `cmd:"" help:"List the formats of telemetry that are read, or tell how files read." group:"Traffic"`
	Deliveries deliveriesCommand `cmd:"" help:"List deliveries, or show one with its refused rows." group:"Feeds"`
	Status     statusCommand     `cmd:"" help:"Count what there is." group:"Platform"`
	Findings   findingsCommand   `cmd:"" help:"Print findings as a stream." group:"Feeds"`
	Incident   incidentCommand   `cmd:"" help:"Cases: open, confirm, grade, own, note." group:"Cases"`
	Duty       dutyCommand       `cmd:"" help:"Statutory clocks: who owes what by when." group:"Cases"`
	Scorecard  scorecardCommand  `cmd:"" help:"How duties were met: on time, late, never." group:"Cases"`
	Report     reportCommand     `cmd:"" help:"Filings: draft, write, file, acknowledge." group:"Cases"`
	Order      orderCommand      `cmd:"" help:"Orders: draft, approve, serve, answer." group:"Cases"`
	Case       caseCommand       `cmd:"" help:"A whole case: export it." group:"Cases"`
	Outbox     outboxCommand     `cmd:"" help:"What is told outside, and what became of it." group:"Cases"`
	Party      partyCommand      `cmd:"" help:"Organisations, and for whom this platform speaks." group:"Platform"`
	User       userCommand       `cmd:"" help:"Accounts of people." group:"Platform"`
	Key        keyCommand        `cmd:"" help:"Keys of programs, and of people who use them." group:"Platform"`
	Indicator  indicatorCommand  `cmd:"" help:"Lists of what is known bad." group:"Traffic"`
	Holding    holdingCommand    `cmd:"" help:"Tables of who holds which addresses and names." group:"Platform"`
	Audit      auditCommand      `cmd:"" help:"Verify ledger, state and raw deliveries against each other, from the files alone." group:"Proof"`
	Backup     backupCommand     `cmd:"" help:"Write a backup while everything goes on." group:"Proof"`
	Restore    restoreCommand    `cmd:"" help:"Unpack a backup into a new data directory." group:"Proof"`
	Regime     regimeCommand     `cmd:"" help:"The law as data: regimes, what they ask, and what an incident owes." group:"Law"`
	Seed       seedCommand       `cmd:"" help:"Make up a large database for measuring." group:"Platform"`
	Watch      watchCommand      `cmd:"" help:"Watch platforms from another machine, and call people when one stops." group:"Platform"`
	Version    versionCommand    `cmd:"" help:"Tell the version." group:"Platform"`
}

// streams are what a command talks to.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

func main() { os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})) }

// run is the program; it gives the exit code.
func run(args []string, std streams) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var cli commands
	exited := -1
	parser, err := kong.New(&cli, kong.Name("tocsin"),
		kong.Description("Report and handle trojans and botnets: feeds in, findings kept, everything proven."),
		kong.DefaultEnvars("TOCSIN"), kong.UsageOnError(), kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { exited = code }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": version()})
	if err != nil {
		return complain(std, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited // help was asked for and given
	}
	if err != nil {
		fmt.Fprintf(std.err, "tocsin: %v; %s\n", err, helpFor(err))
		return exitMisused
	}
	if parsed.Command() != "serve" {
		// A person reads this terminal: routine belongs to a platform's log.
		slog.SetLogLoggerLevel(slog.LevelWarn)
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	parsed.Bind(std)
	return complain(std, parsed.Run())
}

// helpFor names the help that tells more: of the command that was meant, as far as that
// was understood.
func helpFor(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) && wrong.Context != nil {
		if node := wrong.Context.Selected(); node != nil {
			return "tocsin " + node.Path() + " --help tells more"
		}
	}
	return "tocsin --help lists the commands"
}

// sentence is an error as a person reads it: one line, without the word by which the
// program tells kinds of refusals apart.
func sentence(err error) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, kind := range []error{casebook.ErrInvalid, casebook.ErrConflict, casebook.ErrForbidden} {
		text = strings.TrimSuffix(text, ": "+kind.Error())
	}
	return text
}

// complain tells an error in one sentence and gives its exit code.
func complain(std streams, err error) int {
	if err == nil {
		return 0
	}
	var e exit
	if errors.As(err, &e) {
		if e.err != nil {
			fmt.Fprintf(std.err, "tocsin: %s\n", sentence(e.err))
		}
		return e.code
	}
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(std.err, "tocsin: stopped")
		return exitFailed
	}
	fmt.Fprintf(std.err, "tocsin: %s\n", sentence(err))
	if errors.Is(err, casebook.ErrInvalid) || errors.Is(err, casebook.ErrNotFound) || errors.Is(err, casebook.ErrTooLarge) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
		return exitMisused
	}
	return exitFailed
}

// exit ends the program with a code; a nil err was told already.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

// worse keeps the worst exit code over several inputs and tells each error as it
// comes, so that the rest is done.
type worse struct {
	std  streams
	code int
}

func (w *worse) add(err error) {
	if err != nil {
		w.code = max(w.code, complain(w.std, err))
	}
}

func (w *worse) result() error {
	if w.code == 0 {
		return nil
	}
	return exit{code: w.code}
}
