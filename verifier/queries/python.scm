; python.scm: what a person would want to be told before a program runs.
;
; Each pattern marks a place with @here and says, with #set!, its `code`, its `message` ({name}
; stands for the text of the capture @name) and, where the program cannot work, `severity`. A
; pattern may instead mark a statement with @stop: its place is then the statement after it, if
; there is one. Predicates, all of which must hold:
;   (#eq? @a "text") (#eq? @a @b)     the same text
;   (#any-of? @a "t" ...)             one of these texts
;   (#within? @a "kind" ...)          inside a node of such a kind; functions, lambdas and classes
;   (#not-within? @a "kind" ...)      bound the search
;   (#lacks-break? @a)                no break that leaves the loop whose body @a is
;   (#rooted? @a)                     the statement at the top of it is not indented
; What it can find nothing without, it may say with #set! `needs` (verifier/linter.h, enum
; linter_sign): where no pattern has what it needs, none is looked for. One pattern that does not
; say so has all of them looked for in every program.
; Only programs that the grammar reads without an error are looked at.

; ---- what is never reached

([(return_statement) (raise_statement) (break_statement) (continue_statement)] @stop
  (#set! needs "after-leaving")
  (#set! code "unreachable")
  (#set! message "nothing gets here: the statement before always leaves"))

((while_statement condition: (true) body: (block) @body) @stop
  (#lacks-break? @body)
  (#set! needs "after-leaving")
  (#set! code "unreachable")
  (#set! message "nothing gets here: the loop before has no break"))

((while_statement condition: (integer) @one body: (block) @body) @stop
  (#eq? @one "1")
  (#lacks-break? @body)
  (#set! needs "after-leaving")
  (#set! code "unreachable")
  (#set! message "nothing gets here: the loop before has no break"))

; ---- what is computed and thrown away. In `try` and `with` it may be there for its exception

((expression_statement . (comparison_operator) @here .)
  (#not-within? @here "try_statement" "with_statement")
  (#set! needs "idle-value")
  (#set! code "unused-result")
  (#set! message "this comparison does nothing"))

((expression_statement . (binary_operator operator: ["+" "-" "*" "/" "//" "%" "**"]) @here .)
  (#not-within? @here "try_statement" "with_statement")
  (#set! needs "idle-value")
  (#set! code "unused-result")
  (#set! message "the result of this is thrown away"))

((expression_statement . (identifier) @here .)
  (#not-within? @here "try_statement" "with_statement")
  (#set! needs "idle-value")
  (#set! code "unused-result")
  (#set! message "`{here}` alone does nothing"))

((expression_statement . (call function: (identifier) @name) @here .)
  (#any-of? @name "abs" "all" "any" "bool" "chr" "dict" "divmod" "enumerate" "filter" "float"
    "frozenset" "int" "isinstance" "len" "list" "map" "max" "min" "ord" "pow" "range" "reversed"
    "round" "set" "sorted" "str" "sum" "tuple" "zip")
  (#not-within? @here "try_statement" "with_statement")
  (#set! needs "idle-call")
  (#set! code "unused-result")
  (#set! message "the result of `{name}` is thrown away"))

((expression_statement . (call function: (attribute object: (identifier) attribute: (identifier) @name)) @here .)
  (#any-of? @name "capitalize" "casefold" "endswith" "isalpha" "isdigit" "ljust" "lower" "lstrip"
    "rjust" "rstrip" "startswith" "strip" "swapcase" "title" "upper" "zfill")
  (#not-within? @here "try_statement" "with_statement")
  (#set! needs "idle-call")
  (#set! code "unused-result")
  (#set! message "`{name}` changes nothing, it gives a new string, which is thrown away"))

([(assignment right: (call function: (attribute attribute: (identifier) @name) arguments: (argument_list) @none))
  (return_statement (call function: (attribute attribute: (identifier) @name) arguments: (argument_list) @none))] @here
  (#any-of? @name "sort" "reverse")
  (#eq? @none "()")
  (#set! needs "kept-call")
  (#set! code "none-result")
  (#set! message "`{name}` changes its list and gives None"))

([(assignment right: (call function: (attribute attribute: (identifier) @name) arguments: (argument_list . (keyword_argument))))
  (return_statement (call function: (attribute attribute: (identifier) @name) arguments: (argument_list . (keyword_argument))))] @here
  (#eq? @name "sort")
  (#set! needs "kept-call")
  (#set! code "none-result")
  (#set! message "`{name}` changes its list and gives None"))

; ---- what stands where it cannot

((return_statement) @here
  (#not-within? @here "function_definition")
  (#rooted? @here)
  (#set! needs "stray")
  (#set! code "outside-function")
  (#set! severity "error")
  (#set! message "`return` outside of a function"))

([(break_statement) (continue_statement)] @here
  (#not-within? @here "for_statement" "while_statement")
  (#rooted? @here)
  (#set! needs "stray")
  (#set! code "outside-loop")
  (#set! severity "error")
  (#set! message "`{here}` outside of a loop"))

; ---- what is seldom meant

((class_definition body: (block (function_definition parameters: (parameters) @here)))
  (#eq? @here "()")
  (#set! needs "method")
  (#set! code "missing-self")
  (#set! message "a method is given its object: it needs a parameter for it, such as self"))

((function_definition
    name: (identifier) @name
    body: (block . (return_statement (call function: (identifier) @callee) @here)))
  (#eq? @name @callee)
  (#set! needs "call-first")
  (#set! code "endless-recursion")
  (#set! message "`{name}` calls itself first of all, and never ends"))

([(default_parameter value: [(list) (dictionary) (set)] @here)
  (typed_default_parameter value: [(list) (dictionary) (set)] @here)]
  (#set! needs "default")
  (#set! code "mutable-default")
  (#set! message "all calls share this one default"))

((except_clause . "except" @here . ":" (block . (pass_statement) .))
  (#set! needs "except")
  (#set! code "bare-except")
  (#set! message "this hides every error, also misspelt names and Ctrl-C"))

((comparison_operator ["is" "is not"] [(integer) (float) (string) (list) (dictionary)] @here)
  (#set! needs "is")
  (#set! code "is-literal")
  (#set! message "`is` asks for the same object, not for an equal one"))

((assert_statement . (tuple) @here)
  (#set! needs "assert")
  (#set! code "assert-tuple")
  (#set! message "a tuple with something in it always counts as true"))
