# sh -c SCRIPT NAME FOLDER SIGNAL PROGRAM …: runs the program and ends it when the test process is gone.
# The end of standard input means that nobody is left who wants the server: then the program gets SIGNAL and FOLDER goes
# too. Descriptor 3 receives the program's process id and stays open as long as the program runs.
folder=$1 abrupt=$2
shift 2
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
server=$!
echo "$server" >&3
(
	read -r _
	trap '' TERM # the folder must go, even if the program ends before this block does
	kill -s CONT "$server"
	kill -s "$abrupt" "$server"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		kill -s 0 "$server" || exit 7
		sleep 0.3
	done
	kill -s KILL "$server"
	exit 7
) <&4 3>&- 2>/dev/null &
watcher=$!
exec 4<&- </dev/null
wait "$server"
kill "$watcher" 2>/dev/null
wait "$watcher"
[ $? -eq 7 ] && rm -rf -- "$folder"
exit 0
