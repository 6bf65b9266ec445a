# Types lines into a zsh of its own, presses the tabulator and prints what became of each: complete.zsh SCRIPT LINE...
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "PS1= PS2= RPS1=; autoload -Uz compinit; compinit -u -D; source ${(q)1}"
zpty -w inner "show() { print -r -- \"<\$BUFFER>\"; BUFFER=; }; zle -N show; bindkey '^X' show; bindkey '^I' complete-word"
zpty -w inner 'print ready-$((1 + 1))'
zpty -r inner answer '*ready-2*'
for line in "${@:2}"; do
  zpty -w -n inner "$line"$'\t\x18'
  zpty -r inner answer '*<*>*'
  print -r -- "${${answer##*<}%%>*}"
done
zpty -d inner
